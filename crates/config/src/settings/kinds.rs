//! What the types of fields and flags mean: zero values, and names for messages.

use std::collections::BTreeMap;

use kubeassay_core::Value;

use crate::tables::{FieldKind, FlagKind};

impl FieldKind {
    /// Returns whether Go's type can be nil without being a pointer.
    pub(super) const fn is_nilable(self) -> bool {
        matches!(
            self,
            Self::StringList
                | Self::Int32List
                | Self::ObjectList
                | Self::StringMap
                | Self::BoolMap
                | Self::StringListMap
        )
    }

    /// Returns the zero value of the type.
    pub(crate) fn zero(self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::Int32 | Self::Int64 | Self::Uint32 => Value::Int(0),
            Self::Float64 => Value::Float(0.0),
            Self::String => Value::string(""),
            Self::Quantity => Value::string("0"),
            Self::Duration | Self::TimeOrDuration => Value::Duration(0),
            Self::StringList | Self::Int32List | Self::ObjectList => Value::List(Vec::new()),
            Self::StringMap | Self::BoolMap | Self::StringListMap => Value::Map(BTreeMap::new()),
        }
    }

    /// Returns the Go type's name, for messages.
    pub(super) const fn go_type(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint32 => "uint32",
            Self::Float64 => "float64",
            Self::String | Self::Duration | Self::TimeOrDuration | Self::Quantity => "string",
            Self::StringList => "[]string",
            Self::Int32List => "[]int32",
            Self::ObjectList => "[]object",
            Self::StringMap => "map[string]string",
            Self::BoolMap => "map[string]bool",
            Self::StringListMap => "map[string][]string",
        }
    }
}

impl FlagKind {
    /// Returns the zero value of the type.
    pub(crate) fn zero(self) -> Value {
        match self {
            Self::Bool => Value::Bool(false),
            Self::Int32 | Self::Int64 | Self::Uint64 | Self::Int | Self::Level => Value::Int(0),
            Self::Float64 => Value::Float(0.0),
            Self::Duration => Value::Duration(0),
            Self::StringSlice | Self::StringArray => Value::List(Vec::new()),
            Self::StringMap | Self::BoolMap | Self::Gates | Self::Thresholds | Self::Multimap => {
                Value::Map(BTreeMap::new())
            }
            Self::String
            | Self::Ip
            | Self::IpPort
            | Self::Quantity
            | Self::Opaque
            | Self::Version
            | Self::Taints
            | Self::ReservedMemory => Value::string(""),
        }
    }
}
