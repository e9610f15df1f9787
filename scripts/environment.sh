# Sourced by the other scripts: makes or reuses the virtual environment .venv with retrainer in it.
#   prepare_environment [EXTRA]    EXTRA is one of pyproject.toml's optional dependencies

readonly NEEDED_KB=$((3 * 1024 * 1024))

fail() {
    printf '%s: %s\n' "${0##*/}" "$1" >&2
    exit 1
}

# Prints the command of the newest Python that fits and can make virtual environments, with TensorFlow if there is one.
#   find_python NEWEST    NEWEST: 14 for Python 3.14
find_python() {
    local newest=$1 candidate found='' without_venv=''
    for candidate in python3.13 python3.12 python3.11 python3.14 python3; do
        found=$("$candidate" -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, '"$newest"') and print("%d.%d" % v)' \
            2>/dev/null) || continue
        [ -n "$found" ] || continue
        if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
        without_venv=${without_venv:-$found}
    done
    [ -z "$without_venv" ] ||
        fail "Python $without_venv is here without venv; on Debian and Ubuntu: apt install python$without_venv-venv"
    fail "Python 3.11 to 3.$newest is needed; found $(python3 --version 2>/dev/null || echo none)"
}

prepare_environment() {
    local extra=${1:-} python stamp wanted free
    wanted="$PWD $(cksum <pyproject.toml)"
    stamp=.venv/.retrainer-installed
    # An environment does not survive being moved. What the tests need includes what everybody needs.
    if .venv/bin/python -c '' 2>/dev/null && grep -qsx -e "$wanted $extra" -e "$wanted test" "$stamp"; then
        return
    fi
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        # The tests need TensorFlow, which has no release for Python 3.14.
        python=$(find_python "$([ "$extra" = test ] && echo 13 || echo 14)") || exit 1
        free=$(df -Pk . | awk 'NR == 2 { print $4 }')
        [ "$free" -ge "$NEEDED_KB" ] ||
            fail "3 GB of disk are needed here, $((free / 1024)) MB are free; make room in $PWD"
        "$python" -m venv --clear .venv || fail "$python could not make a virtual environment in $PWD/.venv"
    fi
    echo "Installing into .venv; the first time takes a minute or two." >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".${extra:+[$extra]}" ||
        fail "pip could not install retrainer; its message stands above"
    printf '%s\n' "$wanted $extra" >"$stamp"
}
