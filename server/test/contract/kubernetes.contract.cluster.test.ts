import { describeCluster } from "../kubeApi/testCluster.ts"
import { startClusterHarness } from "./clusterHarness.ts"
import { contractTests } from "./contract.ts"

describeCluster("Knative on the cluster of KUBECONFIG", () => {
  contractTests("the Kubernetes runtime", () => startClusterHarness("contract"))
})
