import { BaseSequencer, type TestSpecification } from "vitest/node"

/** Files that take the longest, the slowest first: whatever starts last should be short. */
const slowest = [
  "instances/containers.test.ts",
  "cli/test/run.images.test.ts",
  "instances/containerReasons.test.ts",
  "cli/test/pinnedImages.images.test.ts",
  "instances/allowedImage.test.ts",
  "sources/SourceStore.test.ts",
  "instances/processes.test.ts",
  "local/LocalRuntime.test.ts",
  "backup/backup.test.ts",
  "cli/test/people.test.ts",
  "cli/test/dev.test.ts",
  "cli/test/manyApps.test.ts",
  "server/test/damage.test.ts",
  "cli/test/names.test.ts"
]
const rankOf = ({ moduleId }: TestSpecification) => {
  const rank = slowest.findIndex((value) => moduleId.endsWith(value))
  return rank === -1 ? slowest.length : rank
}

/** The slowest files first, then the order that vitest gives them by what it has measured. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>) {
    return (await super.sort(files)).toSorted((one, other) => rankOf(one) - rankOf(other))
  }
}
