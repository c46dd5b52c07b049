//! What the fuzz targets feed: the reader of journals.
