import { BaseSequencer, type TestSpecification } from "vitest/node"

/** The slowest test files in descending order, so that the last ones to start are short. */
const slowest = [
  "cli/test/build.images.test.ts",
  "registry/ownPulls.images.test.ts",
  "instances/containers/containers.images.test.ts",
  "cli/test/run.images.test.ts",
  "instances/containers/containerReasons.images.test.ts",
  "cli/test/pinnedImages.images.test.ts",
  "instances/images/allowedImage.images.test.ts",
  "cli/test/rollout.test.ts",
  "cli/test/manyApps.test.ts",
  "contract/local.contract.test.ts",
  "cli/test/build.test.ts",
  "cli/test/e2e.test.ts",
  "assembly/runServer.test.ts",
  "docs/examples.test.ts",
  "deployments/rollout/rollout.test.ts",
  "cli/test/plans.test.ts",
  "cli/test/dev.test.ts",
  "cli/test/people.test.ts",
  "server/test/faults.test.ts",
  "cli/test/registryLogin.test.ts",
  "examples/examples.test.ts",
  "runtimes/local/LocalRuntime.processes.test.ts",
  "cli/test/commandLine.test.ts",
  "cli/test/operations.test.ts",
  "runtimes/local/ends.test.ts",
  "scripts/docs/typedBlocks.test.ts",
  "cli/test/newerServer.test.ts",
  "cli/test/devEnds.test.ts",
  "starters/starters.test.ts",
  "assembly/failAlike.test.ts",
  "kubernetes/logs/KubernetesLogs.test.ts",
  "assembly/imageStandIns.test.ts",
  "control/privacy/erasure.test.ts",
  "operator/backup/damagedDatabase.test.ts",
  "runtimes/local/LocalRuntime.test.ts",
  "browser/signIn.test.ts",
  "policy/organizations.test.ts",
  "cli/test/policies.test.ts",
  "scripts/docs/runApiPage.test.ts",
  "processes/processes.test.ts",
  "deployments/stages/deadline.test.ts",
  "operator/check/checkServer.test.ts",
  "policy/matrix.test.ts",
  "control/deployments/Deployments.test.ts"
]
const rankOf = ({ moduleId }: TestSpecification) => {
  const rank = slowest.findIndex((value) => moduleId.endsWith(value))
  return rank === -1 ? slowest.length : rank
}

/** Sorts the slowest files to the front. The others keep vitest's order. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>) {
    return (await super.sort(files)).toSorted((one, other) => rankOf(one) - rankOf(other))
  }
}
