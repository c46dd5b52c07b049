# Read before the script of every case, by the first process of a PID and a mount namespace of its own. The working
# folder is the case's own; $STAGE is the program of the stage, $KUBEASSAY the one under test.
set -eu
umask 022
# In the place of the machine's own, not over it: what a later mount hides is another matter.
umount -lR /proc
mount -t proc proc /proc

# begin COMMAND …: starts a program of the stage in the background and waits until it says that it is ready.
# Its process id is then in $pid.
begin() {
    began=$((${began:-0} + 1))
    READY="$PWD/ready-$began" "$@" 2>>trouble &
    pid=$!
    i=0
    until [ -e "ready-$began" ]; do
        i=$((i + 1))
        [ -d /proc/$pid ] && [ $i -lt 2000 ] || { echo "did not start: $*"; cat trouble; exit 96; }
        sleep 0.01
    done
}

# kubelet ARGUMENT …: starts a stand-in kubelet that does what $TENANT says, to begin with nothing but to wait; $AS
# is what it is started by.
kubelet() {
    [ -e kubelet ] || cp "$STAGE" kubelet
    : >>kubeconfig
    TENANT="${TENANT:-wait}" begin ${AS:-} ./kubelet "$@" --kubeconfig="$PWD/kubeconfig"
}

# somebody: the command that makes another one that of an ordinary user.
somebody="setpriv --reuid=65534 --regid=65534 --clear-groups"

# settle: lets what was made grow so old that it is older than a process started now.
settle() {
    sleep 0.1
}

# webhook FILE: a configuration that passes.
webhook() {
    printf 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthorization: {mode: Webhook}\n' >"$1"
}

# allow FILE: a configuration that fails.
allow() {
    printf 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthorization: {mode: AlwaysAllow}\n' >"$1"
}

# run ARGUMENT …: scans with everything measured; $VIA is what the scan is run through.
run() {
    "$STAGE" measure measured "${LIMIT:-300}" ${VIA:-} "${BINARY:-$KUBEASSAY}" scan 4.2.2 --kubernetes-version 1.34 "$@"
}

# scan ARGUMENT …: the same, for the report.
scan() {
    run -o json "$@" >report 2>errors
}
