import { expect, it } from "@effect/vitest"
import { deploymentName } from "./deploymentName.ts"

it.each([
  ["web-00001", "web-00001-deployment"],
  [`${"a".repeat(46)}-00001`, `${"a".repeat(46)}-00001-deployment`],
  // As Knative names it: `kmeta.ChildName`.
  [`${"a".repeat(47)}-00001`, `${"a".repeat(20)}9ba883c1865f2522233313c526da8814-deployment`]
])("the Deployment of the revision %s is %s", (revision, expected) => {
  expect(deploymentName(revision)).toBe(expected)
})
