import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, describe, expect, it } from "@effect/vitest"
import { defineConfig, service } from "@maxcloud/config-schema"
import { imports, makeConfigFolder } from "../../test/configFolder.ts"
import { ConfigInvalid, renderConfig } from "./index.ts"

const { remove, root, write } = await makeConfigFolder()
afterAll(remove)

const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable("it renders"),
    (error: unknown) => error
  )

describe("renderConfig", () => {
  it("renders a stage's services and manifests from a path or a config, with the same result each time", async () => {
    await write({
      "a.config.ts": `${imports}export default defineConfig(({ stage, organization, runtime, git }) => ({
  app: "shop",
  services: [service("web", { source: "./web", env: { WHERE: [stage, organization, runtime, String(git)].join() } })]
}))`
    })
    const [first, second] = await Promise.all([1, 2].map(() => renderConfig({ file: "a.config.ts", folder: root })))
    expect(first?.manifests.all).toStrictEqual(second?.manifests.all)
    expect(first?.service("web").env?.["WHERE"]).toBe("production,local,kubernetes,undefined")
    expect(first?.service("web").memory).toBe("512Mi")
    expect(first?.manifests.toYaml()).toContain("image: source.maxcloud.dev/local/shop/web:unbuilt")
    expect(first?.manifests.ofService("web").map(({ kind }) => kind)).toStrictEqual([
      "ServiceAccount",
      "NetworkPolicy",
      "Service"
    ])
    const config = defineConfig(({ git, stage }) => ({
      app: "shop",
      services: [service("web", { image: "nginx:1", env: { COMMIT: git?.commit ?? "none", STAGE: stage } })]
    }))
    const git = { branch: "main", commit: "abc", dirty: false }
    const rendered = await renderConfig({ config, stage: "dev", git, organization: "acme" })
    expect(rendered.service("web").env).toStrictEqual({ COMMIT: "abc", STAGE: "dev" })
    expect(rendered.manifests.of("Service", "web").metadata.namespace ?? "").toMatch(/acme/)
    expect(() => rendered.service("wep")).toThrow('There is no service "wep". Did you mean "web"? There are: web.')
    expect(() => rendered.manifests.of("Service", "api")).toThrow('There is no Service "api". There are: web.')
    expect(() => rendered.manifests.of("Secret", "web")).toThrow(/There is no kind "Secret"\. .*NetworkPolicy/)
  })

  it("throws mistakes with their positions, including those of manifests", async () => {
    await write({
      "wrong.config.ts": `${imports}export default defineConfig({ app: "shop", services: [\n  service("web", { image: "nginx", port: 0 })\n] })`,
      "late.config.ts": `${imports}export default defineConfig({ app: "shop", services: [\n  service("web", { image: "nginx", env: { A: secret("A") }, args: ["$(A)"] })\n] })`
    })
    const error = await thrown(renderConfig({ file: "wrong.config.ts", folder: root }))
    assert(error instanceof ConfigInvalid)
    expect(String(error)).toMatch(/wrong\.config\.ts:3:36 {2}services\.web\.port {2}0 isn't a valid port/)
    expect(String(await thrown(renderConfig({ file: "late.config.ts", folder: root })))).toMatch(
      /late\.config\.ts:3:\d+ {2}/
    )
    // @ts-expect-error a port must be a number
    const config = defineConfig({ app: "shop", services: [service("web", { image: "nginx", port: "80" })] })
    expect(String(await thrown(renderConfig({ config })))).toMatch(/testing\.test\.ts:\d+:\d+ {2}services\.web\.port/)
  })
})

describe("docs/testing.md", () => {
  it("matches the example in the docs", () => {
    const folder = join(import.meta.dirname, "../../..")
    const page = readFileSync(join(folder, "docs/testing.md"), "utf8")
    const shown = [...page.matchAll(/<!-- example: (\S+) -->\n\n```ts\n([\s\S]*?)```/g)]
    expect(shown).toHaveLength(2)
    for (const [, file = "", text] of shown) expect(text, file).toBe(readFileSync(join(folder, file), "utf8"))
  })
})
