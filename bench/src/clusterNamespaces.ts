import { measureManyNamespaces } from "../../server/test/cluster/manyNamespaces.ts"
import { controlPlanePrograms } from "../../server/test/kubeApi/controlPlane.ts"
import { type Benchmark, megabytes, seconds } from "./measure.ts"

const namespaces = 2_000

/** A server that follows thousands of namespaces of a real API server, on which nothing else acts. */
export const clusterNamespacesBenchmark: Benchmark = {
  name: "clusterNamespaces",
  run: async () => {
    if (controlPlanePrograms === undefined) {
      console.log("  skipped: KUBEBUILDER_ASSETS isn't a folder with etcd and kube-apiserver")
      return []
    }
    const measured = await measureManyNamespaces(namespaces, controlPlanePrograms)
    const row = (work: string, ours: string, goal: string) => ({ work, ours, peer: "", ratio: "", goal })
    return [
      row(
        `server that follows 2,000 namespaces with ${measured.objects} objects of a real API server (no pods): connections to it`,
        `${measured.connections}`,
        "at most 60"
      ),
      row(
        "the same, from the start of its process until it follows everything",
        seconds(measured.syncSeconds),
        "≤ 10 s"
      ),
      row("the same, processor until then", seconds(measured.syncCpuSeconds), ""),
      row(
        "the same, until it follows everything again after all connections were cut",
        seconds(measured.reconnectSeconds),
        "≤ 10 s"
      ),
      row("the same, until the Secrets of all namespaces are checked", seconds(measured.sweepSeconds), "≤ 250 s"),
      row("the same, resident memory", megabytes(measured.residentBytes), "≤ 300 MB")
    ]
  }
}
