import time, statistics
from assay.analyzer.v1 import ranking_service_pb2 as r
from assay.analyzer.v1.ranking_service_pb2_grpc import RankingServiceStub
async def test_dbg(fleet, site):
    async with fleet.analyzer.channel() as ch:
        stub = RankingServiceStub(ch); took=[]; new=[]
        for n in range(1500):
            t=time.perf_counter(); await stub.RankProviders(r.RankProvidersRequest(project=fleet.project, task_type="code_review")); took.append(time.perf_counter()-t)
        for n in range(40):
            t=time.perf_counter(); await stub.RankProviders(r.RankProvidersRequest(project=fleet.project, task_type="code_review", call_count_min=n/100)); new.append(time.perf_counter()-t)
    took.sort(); new.sort()
    print("cached ms p50 %.2f p99 %.2f; new p50 %.2f max %.2f" % (took[750]*1e3, took[1485]*1e3, new[20]*1e3, new[-1]*1e3))
    assert 0
