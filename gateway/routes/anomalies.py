"""GET /anomalies, /anomalies/{anomaly_id} and POST …/mark: what is not as it was."""

from typing import Annotated

from assay.analyzer.v1.anomaly_service_pb2 import GetAnomalyRequest, ListAnomaliesRequest, MarkAnomalyRequest
from fastapi import Depends, Response

from gateway import analyzer_messages as messages
from gateway import analyzer_models as models
from gateway import analyzer_parameters, parameters
from gateway.auth import CallerOf
from gateway.parts import AnalyzerOf, answer
from gateway.routes.described import answers, api_router

router = api_router("anomalies")


@router.get("/anomalies", **answers(models.AnomaliesPage))
async def list_anomalies(
    analyzer: AnalyzerOf, caller: CallerOf, question: Annotated[ListAnomaliesRequest, Depends(analyzer_parameters.list_anomalies)]
) -> Response:
    """Anomalies, the latest begun first."""
    response = await analyzer.ask(analyzer.anomalies.ListAnomalies, question, caller.secret)
    return answer({"anomalies": messages.anomaly_list(response.anomalies), "next_page_token": response.next_page_token})


@router.get("/anomalies/{anomaly_id}", **answers(models.WholeAnomaly))
async def get_anomaly(analyzer: AnalyzerOf, caller: CallerOf, anomaly_id: str, project: parameters.Project = "") -> Response:
    """One anomaly with its parts, its marks, and calls that show it."""
    question = GetAnomalyRequest(project=project, anomaly_id=anomaly_id)
    return answer(messages.whole_anomaly(await analyzer.ask(analyzer.anomalies.GetAnomaly, question, caller.secret)))


@router.post("/anomalies/{anomaly_id}/mark", **answers(models.Anomaly))
async def mark_anomaly(
    analyzer: AnalyzerOf, caller: CallerOf, change: Annotated[MarkAnomalyRequest, Depends(analyzer_parameters.mark_anomaly)]
) -> Response:
    """Notes what an operator thinks of an anomaly; a key has one mark on each."""
    response = await analyzer.ask(analyzer.anomalies.MarkAnomaly, change, caller.secret)
    return answer(messages.anomaly(response.anomaly))
