import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { imports, makeConfigFolder } from "../../test/configFolder.ts"
import { loadConfig as loadConfigEffect } from "../effect.ts"
import { loadConfig } from "../index.ts"
import { gitStateOf } from "./gitState.ts"

const { failure, remove, root, write } = await makeConfigFolder()
afterAll(remove)

const git = (folder: string, ...args: ReadonlyArray<string>) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main", ...args], {
    cwd: join(root, folder),
    encoding: "utf8"
  }).trim()

const told = `${imports}export default defineConfig(async (context) => ({
  app: "shop",
  services: [service("web", { image: "nginx", env: { TOLD: JSON.stringify(context), KEYS: Object.keys(context).join() } })]
}))`
const quiet = `${imports}export default defineConfig(({ stage }) => ({ app: "shop", services: [service(stage, { image: "nginx" })] }))`

const asked = () => {
  let times = 0
  const server = Effect.sync(() => {
    times += 1
    return { organization: "acme", runtime: "local" as const }
  })
  return { server, times: () => times }
}

describe("the context of a config", () => {
  it("has the stage, the organization, the runtime and git's state, and nothing else", async () => {
    await write({ "repo/maxcloud.config.ts": told })
    git("repo", "init", "--quiet")
    git("repo", "add", ".")
    git("repo", "commit", "--quiet", "-m", "first")
    const { server } = asked()
    const load = () =>
      Effect.runPromise(loadConfigEffect({ folder: join(root, "repo"), stage: "dev" }, server)).then(
        (loaded) => loaded.spec.services[0]?.env
      )
    const first = await load()
    expect(first?.["KEYS"]).toBe("stage,organization,runtime,git")
    const state = { branch: "main", commit: git("repo", "rev-parse", "HEAD"), dirty: false }
    const expected = { stage: "dev", organization: "acme", runtime: "local", git: state }
    expect(JSON.parse(String(first?.["TOLD"]))).toStrictEqual(expected)
    // The same for a plan and the following deploy.
    expect(await load()).toStrictEqual(first)
  })

  it("asks a server only if the config reads its facts", async () => {
    await write({ "quiet.ts": quiet, "told.ts": told })
    const { server, times } = asked()
    const load = (file: string) => Effect.runPromise(loadConfigEffect({ folder: root, file }, server))
    await load("quiet.ts")
    expect(times()).toBe(0)
    await load("told.ts")
    expect(times()).toBeGreaterThan(0)
  })

  it("fails with the server's error if the server can't be asked, even if the config ignores that", async () => {
    const careless = told
      .replace("=> ({", "=> { try { context.organization } catch {}; return ({")
      .replace(/\}\)\)$/, "})})")
    await write({ "told.ts": told, "careless.ts": careless })
    for (const file of ["told.ts", "careless.ts"]) {
      const failed = Effect.runPromise(
        Effect.flip(loadConfigEffect({ folder: root, file }, Effect.fail("away" as const)))
      )
      expect(await failed, file).toBe("away")
    }
  })

  it("assumes local and kubernetes without a server, and lists the assumed facts", async () => {
    await write({ "quiet.ts": quiet, "told.ts": told })
    const loaded = await loadConfig({ folder: root, file: "told.ts" })
    expect(JSON.parse(String(loaded.spec.services[0]?.env["TOLD"]))).toMatchObject({
      organization: "local",
      runtime: "kubernetes"
    })
    expect(loaded.assumed).toStrictEqual(["organization", "runtime"])
    const given = await loadConfig({ folder: root, file: "told.ts", organization: "acme" })
    expect(given.assumed).toStrictEqual(["runtime"])
    expect((await loadConfig({ folder: root, file: "quiet.ts" })).assumed).toStrictEqual([])
  })

  it("lists the known stages of a config, at the position of the lookup", async () => {
    await write({
      "stages.ts": `import { defineConfig, defineStages, service } from "@maxcloud/sdk/config"
const settings = defineStages({ production: { min: 1 }, "preview-*": { min: 0 } })
export default defineConfig(({ stage }) => ({
  app: "shop",
  services: [service("web", { image: "nginx", scale: settings(stage + "x") })]
}))`
    })
    expect((await failure("stages.ts")).join()).toMatch(
      /^stages\.ts:5:54 {2}defineStages has no values for the stage "productionx"\. It has "production", "preview-\*"/
    )
  })
})

describe("gitStateOf", () => {
  it("is undefined outside a repository, and before the first commit", async () => {
    await write({ "empty/x": "" })
    git("empty", "init", "--quiet")
    expect(await gitStateOf(join(root, "empty"))).toBeUndefined()
    expect(await gitStateOf("/")).toBeUndefined()
  })

  it("reports changes of tracked files, and uses CI's branch if none is checked out", async () => {
    await write({ "ci/a": "1" })
    git("ci", "init", "--quiet")
    git("ci", "add", ".")
    git("ci", "commit", "--quiet", "-m", "first")
    await write({ "ci/build": "not tracked" })
    expect(await gitStateOf(join(root, "ci"))).toMatchObject({ branch: "main", dirty: false })
    await write({ "ci/a": "2" })
    git("ci", "checkout", "--quiet", "--detach")
    const state = (env: Readonly<Record<string, string>>) => gitStateOf(join(root, "ci"), env)
    expect(await state({})).toMatchObject({ branch: undefined, dirty: true })
    expect(await state({ GITHUB_REF_TYPE: "tag", GITHUB_REF_NAME: "v1" })).toMatchObject({ branch: undefined })
    expect(await state({ GITHUB_REF_TYPE: "branch", GITHUB_REF_NAME: "main" })).toMatchObject({ branch: "main" })
    expect(await state({ GITHUB_HEAD_REF: "feature", GITHUB_REF_NAME: "1/merge" })).toMatchObject({ branch: "feature" })
    expect(await state({ CI_COMMIT_BRANCH: "gitlab" })).toMatchObject({ branch: "gitlab" })
  })
})
