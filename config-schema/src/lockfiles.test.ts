import { assert, it } from "@effect/vitest"
import { lockfileNames, packageManagerOf } from "./lockfiles.ts"

it.each([
  [["package.json"], "npm"],
  [["npm-shrinkwrap.json"], "npm"],
  [["pnpm-lock.yaml", "pnpm-workspace.yaml"], "pnpm"],
  [["yarn.lock"], "yarn"],
  [["bun.lockb"], "bun"],
  [["yarn.lock", "package-lock.json"], "npm"]
])("the package manager of %j is %s, as in a build", (names, manager) =>
  assert.strictEqual(packageManagerOf(names), manager)
)

it("each lockfile has one package manager", () => assert.strictEqual(new Set(lockfileNames).size, lockfileNames.length))
