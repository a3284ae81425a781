import { expect, it } from "@effect/vitest"
import { lockfileNames, packageManagerOf } from "./lockfiles.ts"

it.each([
  [["package.json"], "npm"],
  [["npm-shrinkwrap.json"], "npm"],
  [["pnpm-lock.yaml", "pnpm-workspace.yaml"], "pnpm"],
  [["yarn.lock"], "yarn"],
  [["bun.lockb"], "bun"],
  [["yarn.lock", "package-lock.json"], "npm"]
])("the package manager of %j is %s, as in a build", (names, manager) => expect(packageManagerOf(names)).toBe(manager))

it("each lockfile has one package manager", () => expect(new Set(lockfileNames).size).toBe(lockfileNames.length))
