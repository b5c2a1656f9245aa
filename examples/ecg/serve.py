"""Keeps the flow at hand: it runs when somebody asks for it on Prefect's page, and by the clock, one run at a time.

    python serve.py --config averaged.yaml --data STATE --work WORK [--set …] [--cron '0 3 * * *']
"""

from flow import parser, train_and_promote
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter
from prefect.states import Crashed

parser.description = __doc__
parser.add_argument("--cron", help="when it runs by itself; default: never")


def give_up_lost_runs() -> None:
    """Runs whose process was killed cannot say so themselves; this is the only one that runs the flow."""
    of_flow = FlowFilter.model_validate({"name": {"any_": [train_and_promote.name]}})
    unfinished = FlowRunFilter.model_validate({"state": {"type": {"any_": ["PENDING", "RUNNING"]}}})
    with get_client(sync_client=True) as client:
        for lost in client.read_flow_runs(flow_filter=of_flow, flow_run_filter=unfinished):
            client.set_flow_run_state(lost.id, Crashed(message="its process was killed"), force=True)


if __name__ == "__main__":
    chosen = vars(parser.parse_args())
    cron = chosen.pop("cron") or None
    give_up_lost_runs()
    train_and_promote.serve(name="ecg", cron=cron, parameters=chosen, limit=1)
