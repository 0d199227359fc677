# Sourced. Real evidence is no part of the project (tests/FIXTURES.md). Tests and fuzz seeds take it from the folder that
# CHASSIS_FIXTURES names. Unset, that is shared/fixtures beside the checkout, where there is one: only this file looks there.
beside=$(dirname "${BASH_SOURCE[0]}")/../../shared/fixtures
if [[ -z ${CHASSIS_FIXTURES:-} && -d $beside ]]; then
    CHASSIS_FIXTURES=$(cd "$beside" && pwd)
    export CHASSIS_FIXTURES
fi
