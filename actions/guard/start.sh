# actions/guard/start.sh: starts the guard, now or behind a reboot, in its own directory: only a
# plan that is whole is run. What nobody would act on is said in its record.
read -r _ _ plan begun _ < due || exit 0
[ "$(sha256sum < plan | cut -c1-64)" != "$plan" ] || exec sh ./plan "$plan"
[ "$begun" = 1 ] && [ ! -s record ] || exit 0
read -r boot < /proc/sys/kernel/random/boot_id
read -r up _ < /proc/uptime
now=$((${up%.*} * 1000 + 1${up#*.}0 - 1000))
printf '{"act":"refused","boot":"%s","before_ms":%s,"after_ms":%s,"status":1,"said":"%s"}\n' \
    "$boot" "$now" "$now" 'the plan is not whole' > record
