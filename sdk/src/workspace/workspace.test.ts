import { execFileSync } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { buffer } from "node:stream/consumers"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { type Snapshot, snapshotOf } from "../source/snapshot.ts"

let root = ""
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "maxcloud-workspace-"))
})
afterEach(() => rm(root, { recursive: true }))

const write = async (files: Readonly<Record<string, string | object>>) => {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), typeof content === "string" ? content : JSON.stringify(content))
  }
}
const take = (folder: string): Promise<Snapshot> => Effect.runPromise(snapshotOf(join(root, folder)))
const failure = async (folder: string): Promise<string> => {
  const result = await Effect.runPromise(Effect.either(snapshotOf(join(root, folder))))
  return Either.isLeft(result) ? result.left.message : expect.unreachable("it did not fail")
}
const unpack = async (snapshot: Snapshot) => {
  const out = join(root, "unpacked")
  await mkdir(out)
  execFileSync("tar", ["-xzf", "-", "-C", out], { input: await buffer(snapshot.archive()) })
  const paths = String(execFileSync("find", [out, "(", "-type", "f", "-o", "-type", "l", ")", "-printf", "%P\\n"]))
  return {
    paths: paths
      .split("\n")
      .filter((line) => line !== "")
      .sort(),
    text: (path: string) => readFile(join(out, path), "utf8")
  }
}

/** A workspace: api needs lib, which needs util, and is-odd for the build. */
const packages = {
  "packages/api/package.json": {
    name: "api",
    dependencies: { "@acme/lib": "*", express: "^4" },
    devDependencies: { "is-odd": "^1.0.0" },
    scripts: { start: "node server.js" }
  },
  "packages/api/server.js": "",
  "packages/api/.env": "SECRET=1",
  "packages/lib/package.json": { name: "@acme/lib", dependencies: { util: "file:../../vendored/util" } },
  "packages/lib/index.js": "",
  "packages/is-odd/package.json": { name: "is-odd", version: "1.0.0" },
  "packages/is-odd/index.js": "",
  "packages/web/package.json": {
    name: "web",
    version: "2.0.0",
    dependencies: { "is-odd": "*" },
    scripts: { postinstall: "exit 1" }
  },
  "packages/web/secret-plan.js": "",
  "vendored/util/package.json": { name: "util" },
  "vendored/util/index.js": "",
  "tsconfig.base.json": "{}",
  "turbo.json": "{}",
  "README.md": "",
  ".npmrc": "registry=https://registry.example.com/\n//registry.example.com/:_authToken=npm_sesame\nsave-exact=true\n"
}
const cut = [
  ".npmrc",
  "package.json",
  "packages/api/package.json",
  "packages/api/server.js",
  "packages/is-odd/index.js",
  "packages/is-odd/package.json",
  "packages/lib/index.js",
  "packages/lib/package.json",
  "packages/web/package.json",
  "tsconfig.base.json",
  "turbo.json",
  "vendored/util/index.js",
  "vendored/util/package.json"
]

const managers: ReadonlyArray<readonly [string, Readonly<Record<string, string | object>>]> = [
  ["npm", { "package.json": { workspaces: ["packages/*"] }, "package-lock.json": "{}" }],
  ["yarn", { "package.json": { workspaces: { packages: ["./packages/*/"] } }, "yarn.lock": "" }],
  ["bun", { "package.json": { workspaces: ["packages/**", "!packages/none"] }, "bun.lock": "" }],
  ["pnpm", { "package.json": {}, "pnpm-workspace.yaml": "packages:\n  - 'packages/*'\n", "pnpm-lock.yaml": "" }]
]

describe("a package of a workspace", () => {
  it.each(managers)("of %s includes only the files it needs, in the workspace's layout", async (_, files) => {
    await write({ ...packages, ...files })
    const snapshot = await take("packages/api")
    expect(snapshot.cut).toStrictEqual({
      package: "packages/api",
      with: ["packages/is-odd", "packages/lib", "vendored/util"]
    })
    expect([...snapshot.leftOut].sort()).toStrictEqual([".npmrc (its credentials)", "packages/api/.env"])
    const { paths, text } = await unpack(snapshot)
    expect(paths).toStrictEqual([...cut, ...Object.keys(files).filter((name) => name !== "package.json")].sort())
    expect(await text(".npmrc")).toBe("registry=https://registry.example.com/\nsave-exact=true\n")
    // Left-out packages match the lockfile, and run nothing.
    expect(JSON.parse(await text("packages/web/package.json"))).toStrictEqual({
      name: "web",
      version: "2.0.0",
      dependencies: { "is-odd": "*" }
    })
  })

  it("has a digest that changes only with the files it needs", async () => {
    await write({ ...packages, "package.json": { workspaces: ["packages/*"] } })
    const digest = async () => (await take("packages/api")).digest
    const before = await digest()
    await write({ "packages/web/secret-plan.js": "changed", "README.md": "changed" })
    expect(await digest()).toBe(before)
    await write({ "vendored/util/index.js": "changed" })
    expect(await digest()).not.toBe(before)
  })

  const refused: ReadonlyArray<readonly [string, object, RegExp]> = [
    [
      "a folder outside",
      { x: "file:../../../x" },
      /dependencies\.x is "file:\.\.\/\.\.\/\.\.\/x", outside of the workspace .*: move it inside/
    ],
    ["an absolute folder", { x: "link:/etc" }, /outside of the workspace/],
    ["a folder only by its path", { x: "../../../x" }, /outside of the workspace/],
    ["a missing folder", { x: "file:../gone" }, /which doesn't exist: correct the path/],
    ["a missing package", { "@acme/gone": "workspace:*" }, /has no package @acme\/gone: correct the name/],
    ["a missing package with an alias", { x: "workspace:gone@^1" }, /has no package gone/]
  ]
  it.each(refused)("is refused with its position if it names %s", async (_, dependencies, message) => {
    await write({
      "package.json": { workspaces: ["packages/*"] },
      "packages/api/package.json": { name: "api", dependencies: { lib: "workspace:*" } },
      "packages/lib/package.json": { name: "lib", dependencies }
    })
    const told = await failure("packages/api")
    expect(told).toMatch(message)
    expect(told).toContain(join(root, "packages/lib/package.json"))
  })

  it("supports an alias, a packed dependency, and packages that need each other", async () => {
    await write({
      "package.json": { workspaces: ["packages/*"] },
      "packages/a/package.json": { name: "a", dependencies: { x: "workspace:b@*", packed: "file:../../packed.tgz" } },
      "packages/b/package.json": { name: "b", dependencies: { a: "workspace:^" } },
      "packed.tgz": "x"
    })
    const { cut, ...snapshot } = await take("packages/a")
    expect(cut).toStrictEqual({ package: "packages/a", with: ["packages/b"] })
    expect((await unpack({ ...snapshot, folder: root })).paths).toContain("packed.tgz")
  })

  const api = (dependencies: object) => ({
    "package.json": { workspaces: ["packages/*"] },
    "packages/api/package.json": { name: "api", dependencies },
    "packages/is-odd/package.json": { name: "is-odd", version: "4.1.0" }
  })
  it.each(["^3.0.0", "3.x", "~4.0.0", ">=5", "<4.1.0"])(
    "is refused if a dependency would resolve to a public package with the name of one of its own: %s",
    async (range) => {
      await write(api({ "is-odd": range }))
      expect(await failure("packages/api")).toContain(
        `packages/api/package.json: dependencies.is-odd is "${range}", which the workspace's own is-odd 4.1.0 in packages/is-odd doesn't satisfy, so the public is-odd would be installed: for the workspace's own, write "^4.1.0" ("workspace:*" with pnpm, Yarn 4 or Bun) and reinstall; for the public one, "npm:is-odd@${range}"`
      )
    }
  )
  it.each(["^4.0.0", "*", "", "latest", "4", ">=3", "workspace:*"])("resolves %j to its own package", async (range) => {
    await write(api({ "is-odd": range }))
    expect((await take("packages/api")).cut?.with).toStrictEqual(["packages/is-odd"])
  })
  it.each(["npm:is-odd@^3.0.0", "https://example.com/is-odd.tgz", "github:acme/is-odd"])(
    "resolves a %s dependency to the other package and not to its own",
    async (written) => {
      await write(api({ "is-odd": written }))
      expect((await take("packages/api")).cut?.with).toStrictEqual([])
    }
  )
  it("follows pnpm's lockfile, whatever the range", async () => {
    const lock = (version: string) =>
      `lockfileVersion: '9.0'\nimporters:\n  packages/api:\n    dependencies:\n      is-odd:\n        specifier: x\n        version: ${version}\n`
    const pnpm = { "pnpm-workspace.yaml": "packages: ['packages/*']\n" }
    await write({ ...api({ "is-odd": "^4.0.0" }), ...pnpm, "pnpm-lock.yaml": lock("4.2.0") })
    expect(await failure("packages/api")).toMatch(
      /pnpm-lock\.yaml uses the public is-odd 4\.2\.0, not the workspace's own in packages\/is-odd: for the workspace's own, write/
    )
    await write({ "pnpm-lock.yaml": lock("link:../is-odd") })
    expect((await take("packages/api")).cut?.with).toStrictEqual(["packages/is-odd"])
  })

  it("isn't a folder that the workspace doesn't list, or its root", async () => {
    await write({
      "package.json": { workspaces: ["packages/*"] },
      "other/package.json": {},
      "packages/a/package.json": {}
    })
    for (const folder of ["other", "."]) expect((await take(folder)).cut).toBeUndefined()
  })

  it("is refused outside a workspace if it needs a neighboring folder", async () => {
    await write({ "api/package.json": { dependencies: { lib: "file:../lib" } }, "lib/package.json": {} })
    expect(await failure("api")).toMatch(
      /api\/package\.json: dependencies\.lib is "file:\.\.\/lib", outside of the source folder/
    )
    await write({ "api/package.json": { dependencies: { lib: "workspace:*" } } })
    expect(await failure("api")).toMatch(/but the folder belongs to no workspace/)
  })

  it("can have links inside the workspace, but none that point outside", async () => {
    await write({ ...packages, "package.json": { workspaces: ["packages/*"] } })
    await symlink("../lib/index.js", join(root, "packages/api/inside.js"))
    expect((await unpack(await take("packages/api"))).paths).toContain("packages/api/inside.js")
    await symlink("../../../etc/passwd", join(root, "packages/api/outside"))
    expect(await failure("packages/api")).toContain("points outside of it")
  })
})
