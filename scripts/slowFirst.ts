import { BaseSequencer, type TestSpecification } from "vitest/node"

/** The slowest test files in descending order, so that the last ones to start are short. */
const slowest = [
  "instances/containers/containers.images.test.ts",
  "cli/test/run.images.test.ts",
  "cli/test/build.images.test.ts",
  "instances/containers/containerReasons.images.test.ts",
  "cli/test/pinnedImages.images.test.ts",
  "instances/images/allowedImage.images.test.ts",
  "contract/local.contract.test.ts",
  "starters/starters.test.ts",
  "cli/test/devEnds.test.ts",
  "server/test/faults.test.ts",
  "docs/examples.test.ts",
  "cli/test/rollout.test.ts",
  "backup/damagedDatabase.test.ts",
  "cli/test/plans.test.ts",
  "cli/test/newerServer.test.ts",
  "cli/test/e2e.test.ts",
  "cli/test/build.test.ts",
  "proxy/fuzz.test.ts",
  "assembly/runServer.test.ts",
  "cli/test/dev.test.ts",
  "deployments/removal/removing.test.ts",
  "cli/test/people.test.ts",
  "database/Database.test.ts",
  "instances/processes/processes.test.ts",
  "local/LocalRuntime.test.ts",
  "server/test/damage.test.ts",
  "runtimes/local/ends.test.ts"
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
