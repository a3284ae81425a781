import { readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { defineConfig, service } from "@maxcloud/config-schema"
import { imports, makeConfigFolder } from "../../test/configFolder.ts"
import { ConfigInvalid, renderConfig } from "./index.ts"

const { remove, root, write } = await makeConfigFolder()
afterAll(remove)

const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail("it renders"),
    (error: unknown) => error
  )

describe("renderConfig", () => {
  it("gives services and manifests of a stage, equal each time, from a path or a config", async () => {
    await write({
      "a.config.ts": `${imports}export default defineConfig(({ stage, organization, runtime, git }) => ({
  app: "shop",
  services: [service("web", { source: "./web", env: { WHERE: [stage, organization, runtime, String(git)].join() } })]
}))`
    })
    const [first, second] = await Promise.all([1, 2].map(() => renderConfig({ path: "a.config.ts", folder: root })))
    assert.deepStrictEqual(first?.manifests.all, second?.manifests.all)
    assert.strictEqual(first?.service("web").env?.["WHERE"], "production,local,kubernetes,undefined")
    assert.strictEqual(first?.service("web").memory, "512Mi")
    assert.include(first?.manifests.toYaml(), "image: source.maxcloud.dev/local/shop/web:unbuilt")
    assert.deepStrictEqual(
      first?.manifests.ofService("web").map(({ kind }) => kind),
      ["ServiceAccount", "NetworkPolicy", "Service"]
    )
    const config = defineConfig(({ git, stage }) => ({
      app: "shop",
      services: [service("web", { image: "nginx:1", env: { COMMIT: git?.commit ?? "none", STAGE: stage } })]
    }))
    const git = { branch: "main", commit: "abc", dirty: false }
    const rendered = await renderConfig({ config, stage: "dev", git, organization: "acme" })
    assert.deepStrictEqual(rendered.service("web").env, { COMMIT: "abc", STAGE: "dev" })
    assert.match(rendered.manifests.of("Service", "web").metadata.namespace ?? "", /acme/)
    assert.throws(() => rendered.service("wep"), 'There is no service "wep". Did you mean "web"? There are: web.')
    assert.throws(() => rendered.manifests.of("Service", "api"), 'There is no Service "api". There are: web.')
    assert.throws(() => rendered.manifests.of("Secret", "web"), /There is no kind "Secret"\. .*NetworkPolicy/)
  })

  it("throws mistakes with their places, those of manifests too", async () => {
    await write({
      "wrong.config.ts": `${imports}export default defineConfig({ app: "shop", services: [\n  service("web", { image: "nginx", port: 0 })\n] })`,
      "late.config.ts": `${imports}export default defineConfig({ app: "shop", services: [\n  service("web", { image: "nginx", env: { A: secret("A") }, args: ["$(A)"] })\n] })`
    })
    const error = await thrown(renderConfig({ path: "wrong.config.ts", folder: root }))
    assert.instanceOf(error, ConfigInvalid)
    assert.match(String(error), /wrong\.config\.ts:3:36 {2}services\.web\.port {2}0 isn't a valid port/)
    assert.match(
      String(await thrown(renderConfig({ path: "late.config.ts", folder: root }))),
      /late\.config\.ts:3:\d+ {2}/
    )
    // @ts-expect-error a port must be a number
    const config = defineConfig({ app: "shop", services: [service("web", { image: "nginx", port: "80" })] })
    assert.match(String(await thrown(renderConfig({ config }))), /testing\.test\.ts:\d+:\d+ {2}services\.web\.port/)
  })
})

describe("docs/testing.md", () => {
  it("shows the example that runs", () => {
    const folder = join(import.meta.dirname, "../../..")
    const page = readFileSync(join(folder, "docs/testing.md"), "utf8")
    const shown = [...page.matchAll(/<!-- example: (\S+) -->\n\n```ts\n([\s\S]*?)```/g)]
    assert.lengthOf(shown, 2)
    for (const [, file = "", text] of shown) assert.strictEqual(text, readFileSync(join(folder, file), "utf8"), file)
  })
})
