# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of tranche(1) for bash. GPUs, types and vGPUs are asked of the
# broker; without one there are none.

# _tranche_words COLUMN VERB...: a column of a table, without its title
_tranche_words() {
  local column=$1
  shift
  NO_COLOR=1 tranche "$@" 2>/dev/null | awk -v column="$column" \
    'NR > 1 { print $column }'
}

# _tranche_vgpus: UUIDs, and the names of those that have one
_tranche_vgpus() {
  tranche list --json 2>/dev/null | grep -oE '"(uuid|name)":"[^"]+"' |
    cut -d'"' -f4
}

# _tranche_options VERB
_tranche_options() {
  local share='--weight --cap --reservation --vram --latency --tenant'
  case $1 in
  gpus | types | show | reset | rm | doctor) echo --json ;;
  list) echo --json --quiet --gpu ;;
  create) echo --json --gpu --name --uuid "$share" ;;
  set) echo --json --kill-after --policy "$share" ;;
  run) echo --gpu --name "$share" ;;
  top) echo --once --json --interval --sort ;;
  events) echo --json --gpu --count ;;
  trace) echo --json --gpu --output --seconds ;;
  metrics) echo --listen --once ;;
  demo)
    echo --gpu --type --kernel --initrd --lengths --memory --seconds --report \
      --trace
    ;;
  bench)
    echo --quick --best-effort --guests --repeats --seconds --no-gl --no-pass-through --gpu --kernel \
      --initrd --memory --output
    ;;
  esac
  echo --help
}

# _tranche_values OPTION: what may follow it; fails where anything may
_tranche_values() {
  case $1 in
  -g | --gpu) _tranche_words 1 gpus ;;
  -l | --listen) echo 127.0.0.1:12835 ;;
  --latency) echo normal low lowest ;;
  --policy) echo fair equal fixed best-effort ;;
  --sort) echo gpu wanted weight wait submits vram name ;;
  *) return 1 ;;
  esac
}

# _tranche_operands VERB
_tranche_operands() {
  case $1 in
  show | reset | rm | events) _tranche_vgpus ;;
  set)
    _tranche_vgpus
    _tranche_words 1 gpus
    ;;
  create) _tranche_words 2 types ;;
  types) _tranche_words 1 gpus ;;
  esac
}

_tranche() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local verb=${COMP_WORDS[1]-} words i
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    words='gpus types create list show set reset rm events run top trace
      metrics demo bench doctor --help --version'
  elif words=$(_tranche_values "$before"); then
    :
  else
    case $before in
    --weight | --cap | --reservation | --vram | --tenant | --name | -n | \
      --uuid | --kill-after | --interval | -d | --count | --seconds)
      return
      ;;
    -o | --output)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      return
      ;;
    esac
    if [ "$verb" = run ]; then
      for ((i = 2; i < COMP_CWORD; i++)); do
        if [ "${COMP_WORDS[i]}" = -- ]; then
          mapfile -t COMPREPLY < <(compgen -c -- "$word")
          return
        fi
      done
    fi
    case $word in
    -*) words=$(_tranche_options "$verb") ;;
    *) words=$(_tranche_operands "$verb") ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _tranche tranche
