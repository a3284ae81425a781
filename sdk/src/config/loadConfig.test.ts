import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { imports, makeConfigFolder } from "../../test/configFolder.ts"
import { findConfig, loadConfig, renderIssue } from "../index.ts"
import { assumedFacts } from "./configFacts.ts"
import { evaluate } from "./evaluate.ts"
import { faultOfWaiting } from "./moduleFaults.ts"

const { failure, remove, root, write } = await makeConfigFolder()
const noFacts = { server: Effect.succeed(assumedFacts), git: Effect.succeed(undefined) }
afterAll(remove)

describe("loadConfig", () => {
  it("evaluates the config for the stage, rereading it each time", async () => {
    const config = (port: number) =>
      `${imports}export default defineConfig(async ({ stage }) => ({ app: "shop", services: [service(stage, { image: "nginx", port: ${port} })] }))`
    await write({ "ok.ts": config(80) })
    const first = await loadConfig({ folder: root, file: "ok.ts", stage: "dev" })
    expect([first.spec.services[0]?.name, first.spec.services[0]?.port]).toStrictEqual(["dev", 80])
    expect([first.file, first.folder, first.stage]).toStrictEqual([join(root, "ok.ts"), root, "dev"])
    await write({ "ok.ts": config(81) })
    const second = await loadConfig({ folder: root, file: "ok.ts" })
    expect([second.spec.services[0]?.name, second.spec.services[0]?.port]).toStrictEqual(["production", 81])
  })

  it("loads modules in a package from npm init, which has the type commonjs", async () => {
    await write({
      "cjs/package.json": `{ "name": "cjs", "type": "commonjs" }`,
      "cjs/part.ts": `${imports}import { port } from "./port.js"
const image: string = "nginx"
export const web = service("web", { image, port })`,
      "cjs/port.js": "exports.port = 81",
      "cjs/maxcloud.config.ts": `${imports}import { web } from "./part.ts"\nexport default defineConfig({ app: "shop", services: [web] })`,
      "cjs/old.js": `const { defineConfig, service } = require("@maxcloud/sdk/config")
module.exports = defineConfig({ app: "shop", services: [service("web", { image: "nginx", port: 81 })] })`,
      "cjs/new.js": `${imports}export default defineConfig({ app: "shop", services: [service("web", { image: "nginx", port: 81 })] })`
    })
    for (const file of ["cjs/maxcloud.config.ts", "cjs/old.js", "cjs/new.js"]) {
      const { spec } = await loadConfig({ folder: root, file })
      expect(spec.services[0]?.port, file).toBe(81)
    }
  })

  it("loads the same app from YAML and JSON", async () => {
    await write({
      "same.ts": `${imports}const api = service("api", { image: "nginx", env: { S: secret("S") } })
export default defineConfig({ app: "shop", services: [api, service("web", { source: "./web", env: { A: api.url } })] })`,
      "same.yaml": `app: shop\nservices:\n  - { name: api, image: nginx, env: { S: { secret: S } } }\n  - { name: web, source: ./web, env: { A: { service: api, property: url } } }`,
      "same.json": `{"app":"shop","services":[{"name":"api","image":"nginx","env":{"S":{"secret":"S"}}},{"name":"web","source":"./web","env":{"A":{"service":"api","property":"url"}}}]}`
    })
    const [ts, yaml, json] = await Promise.all(
      ["same.ts", "same.yaml", "same.json"].map((file) => loadConfig({ folder: root, file }))
    )
    expect(yaml?.spec).toStrictEqual(ts?.spec)
    expect(json?.spec).toStrictEqual(ts?.spec)
  })

  it("reads a contract that the service's code shares, and reports missing values together with other mistakes", async () => {
    await write({
      "env.ts": `import { envOf, number, oneOf, secret } from "@maxcloud/sdk/env"\nexport const env = envOf({ DB: secret(), RATE: number({ default: 5 }), MODE: oneOf("a", "b"), N: number() })`,
      "contract.ts": `${imports}import { env } from "./env.ts"
export default defineConfig({
  app: "shop",
  services: [
    service("right", { image: "nginx", env: env.with({ MODE: "a", N: 1 }) }),
    service("wrong", {
      image: "nginx",
      env: env.with({ MODE: "c" as "b" })
    }),
    service("other", { image: "nginx", port: 0 })
  ]
})`
    })
    expect(await failure("contract.ts")).toStrictEqual([
      'contract.ts:9:7  services.wrong.env.MODE  The contract says that MODE must be one of "a", "b".',
      "contract.ts:9:7  services.wrong.env.N  The contract needs N, and nothing sets it. It must be a number.",
      "contract.ts:11:40  services.other.port  0 isn't a valid port. Use a whole number from 1 to 65535."
    ])
  })

  it("locates an issue that a server reports later", async () => {
    await write({
      "later.ts": `${imports}export default defineConfig({\n  app: "shop",\n  services: [\n    service("api", {\n      image: "nginx",\n      env: { S: secret("S") }\n    })\n  ]\n})`
    })
    const config = await loadConfig({ folder: root, file: "later.ts" })
    const [issue] = await config.locate([{ pointer: "/spec/services/0/env/S", code: "missing", detail: "not set" }])
    expect(issue === undefined ? "" : renderIssue(issue, root)).toBe("later.ts:7:14  services.api.env.S  not set")
  })

  it("reports each mistake in an AppSpec once, at its position", async () => {
    await write({
      "bad.ts": `${imports}
export default defineConfig({
  app: "Shop",
  services: [
    service("api", {
      image: "nginx",
      port: 0,
      scal: {},
      env: { "A=B": "x", N: null }
    } as any),
    service("web", { ...{ image: "nginx", cpu: "lots" } } as any)
  ]
})`
    })
    expect(await failure("bad.ts")).toStrictEqual([
      'bad.ts:4:3  app  "Shop" isn\'t a valid app name. Use lowercase letters, digits and "-". Start with a letter and end with a letter or digit.',
      "bad.ts:8:7  services.api.port  0 isn't a valid port. Use a whole number from 1 to 65535.",
      'bad.ts:9:7  services.api.scal  Unknown key "scal". Did you mean "scale"?',
      'bad.ts:10:14  services.api.env.A=B  "A=B" isn\'t a valid name for an environment variable. Use letters, digits and "_". Don\'t start with a digit.',
      "bad.ts:10:26  services.api.env.N  The variable has no value. Set a text, or remove the variable.",
      'bad.ts:12:20  services.web.cpu  "lots" isn\'t a valid amount of CPU. Use vCPU such as 1 or 0.5, or milli-vCPU such as "500m".'
    ])
  })

  it("locates a service in its own file", async () => {
    await write({
      "split.ts": `${imports}import { api } from "./services/api.ts"\nexport default defineConfig({ app: "shop", services: [api] })`,
      "services/api.ts": `${imports}export const api = service("api", {\n  image: "nginx",\n  port: 0\n})`
    })
    expect(await failure("split.ts")).toStrictEqual([
      "services/api.ts:4:3  services.api.port  0 isn't a valid port. Use a whole number from 1 to 65535."
    ])
  })

  it("locates mistakes in YAML and JSON", async () => {
    await write({
      "bad.yaml":
        "app: shop\nservices:\n  - name: api\n    image: nginx\n    port: 0\n    env:\n      N: 3.10\n      M: 3\n      B: True\n",
      "bad.json": '{ "app": "shop",\n  "services": [{ "name": "x", "image": "nginx",\n    "cpu": "lots" }] }',
      "syntax.yaml": "app: shop\nservices: [\n",
      "two.yaml": "app: shop\n---\napp: other\n",
      "syntax.json": '{ "app": "shop",\n "services": [} ',
      "bomb.yaml": `a: &a [x, x, x, x, x, x, x, x, x]\n${["b", "c", "d", "e"].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcd"[i]}`).join(", ")}]`).join("\n")}\n`
    })
    expect(await failure("bad.yaml")).toStrictEqual([
      "bad.yaml:5:5  services.api.port  0 isn't a valid port. Use a whole number from 1 to 65535.",
      'bad.yaml:7:7  services.api.env.N  The service would get "3.1". Write 3.1, or put the text in quotes: "3.10".',
      'bad.yaml:9:7  services.api.env.B  The service would get "true". Write true, or put the text in quotes: "True".'
    ])
    expect(await failure("bad.json")).toStrictEqual([
      'bad.json:3:5  services.x.cpu  "lots" isn\'t a valid amount of CPU. Use vCPU such as 1 or 0.5, or milli-vCPU such as "500m".'
    ])
    expect((await failure("syntax.yaml")).join()).toMatch(/^syntax\.yaml:3:1 {2}This isn't valid YAML: /)
    expect((await failure("syntax.json")).join()).toMatch(/^syntax\.json:2:15 {2}This isn't valid JSON: /)
    expect((await failure("two.yaml")).join()).toMatch(/^two\.yaml:2:1 {2}A second document starts here/)
    expect((await failure("bomb.yaml")).join()).toMatch(/repeats itself by more than 100 aliases/)
  })

  it("refuses bytes that aren't UTF-8, and keys that are there twice, with their place", async () => {
    const latin1 = (text: string) => Buffer.from(text, "latin1")
    const yaml = "app: shop\nservices:\n  - name: web\n    image: nginx\n    env:\n      A: p\u00e4ss\n"
    await write({
      "latin1.yaml": latin1(yaml),
      "utf16.yaml": Buffer.from(`\ufeff${yaml}`, "utf16le"),
      "mark.json": '\ufeff{"app":"shop","services":[{"name":"web","image":"nginx"}]}',
      "twice.json": '{"app":"shop",\n"services":[{"name":"web","image":"nginx",\n"\\u0069mage":"redis"}]}',
      "latin1.ts": latin1(`${imports}\nexport default defineConfig({ app: "p\u00e4ss", services: [] })`),
      "value.ts": latin1('\n\nexport const value = "p\u00e4ss"'),
      "imports.ts": `${imports}import { value } from "./value.ts"\nexport default defineConfig({ app: "shop", services: [service("web", { image: "nginx", env: { A: value } })] })`
    })
    expect((await failure("latin1.yaml")).join()).toMatch(
      /^latin1\.yaml:6:1 {2}this isn't UTF-8: convert it: iconv -f latin1/
    )
    expect((await failure("utf16.yaml")).join()).toMatch(/^utf16\.yaml {2}this is UTF-16: convert it: iconv -f utf-16/)
    expect((await failure("latin1.ts")).join()).toMatch(/^latin1\.ts:3:1 {2}this isn't UTF-8/)
    expect((await failure("imports.ts")).join()).toMatch(/^value\.ts:3:1 {2}this isn't UTF-8/)
    expect((await failure("twice.json")).join()).toMatch(/^twice\.json:3:1 {2}This object already has this key\./)
    expect((await loadConfig({ folder: root, file: "mark.json" })).spec.app).toBe("shop")
  })

  it("says that a config is nested too deeply, however it is written", async () => {
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`
    await write({ "deep.yaml": deep, "services.yaml": `app: shop\nservices: ${deep}`, "deep.json": `{"app":${deep}}` })
    for (const file of ["deep.yaml", "services.yaml", "deep.json"])
      expect((await failure(file)).join(), file).toMatch(/too many nested|more than 16 nested levels/)
  })

  it("merges the defaults of YAML and JSON into each service, and reports their mistakes once, at their positions", async () => {
    const services = `services:
  - name: api
    image: nginx
    env: { LEVEL: debug, KEY: { secret: OWN } }
    scale: { min: 1 }
  - name: web
    source: ./web
`
    await write({
      "defaults.yaml": `app: shop
defaults:
  image: alpine
  memory: 1Gi
  env: { LEVEL: info, ZONE: eu, KEY: { secret: SHARED } }
  scale: { max: 3 }
${services}`,
      "wrong.yaml": `app: shop
defaults:
  name: all
  memory: lots
  port: 0
  env: { A: 3.10, "B=": x }
  scale: { mim: 1 }
${services}    port: 81
    scale: { max: 0 }
`,
      "kind.json": `{ "app": "shop", "defaults": [], "services": [] }`
    })
    const { spec } = await loadConfig({ folder: root, file: "defaults.yaml" })
    const [api, web] = spec.services
    expect(api?.env).toStrictEqual({ LEVEL: "debug", ZONE: "eu", KEY: { secret: "OWN" } })
    expect([api?.scale.min, api?.scale.max, api?.memory]).toStrictEqual([1, 3, 2 ** 30])
    expect([web?.image, web?.source?.path, web?.scale.max]).toStrictEqual([undefined, "./web", 3])
    const found = await failure("wrong.yaml")
    expect(found.map((line) => line.split("  ").slice(0, 2).join(" "))).toStrictEqual([
      "wrong.yaml:3:3 defaults.name",
      "wrong.yaml:4:3 defaults.memory",
      "wrong.yaml:5:3 defaults.port",
      "wrong.yaml:6:10 defaults.env.A",
      "wrong.yaml:6:19 defaults.env.B=",
      "wrong.yaml:7:12 defaults.scale.mim",
      "wrong.yaml:16:14 services.web.scale.max"
    ])
    expect((await failure("kind.json")).join()).toMatch(
      /^kind\.json:1:18 {2}defaults {2}The defaults must be an object/
    )
  })

  it("fails with a message for repeated, nested or large values", async () => {
    const aliases = Array(50).fill("*a").join(", ")
    const repeated = `const a = Array(1000).fill("x"); const b = Array(1000).fill(a); const c = Array(1000).fill(b)`
    await write({
      "wide.yaml": `app: &a [${Array(3000).fill("x").join(", ")}]\nservices: [${aliases}]\n`,
      "deep.yaml": `app: ${"[".repeat(20_000)}`,
      "deep.json": `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
      "nested.json": `${"[".repeat(50)}${"]".repeat(50)}`,
      "large.yaml": `app: ${"x".repeat(1_100_000)}\n`,
      "repeated.mjs": `${imports}${repeated}\nexport default defineConfig({ app: c, services: [] })`,
      "nested.mjs": `${imports}let a = []; for (let i = 0; i < 100000; i++) a = [a]\nexport default defineConfig({ app: a, services: [] })`
    })
    expect((await failure("wide.yaml")).join()).toMatch(/has more than 10000 values\. Split it into several apps/)
    expect((await failure("deep.yaml")).join()).toMatch(/too many nested lists and maps|valid YAML/)
    expect((await failure("deep.json")).join()).toMatch(/too many nested lists and maps|more than 16 nested levels/)
    expect((await failure("nested.json")).join()).toMatch(/more than 16 nested levels/)
    expect((await failure("large.yaml")).join()).toMatch(/can have up to 1048576: split the app/)
    expect((await failure("repeated.mjs")).join()).toMatch(/has more than 10000 values/)
    expect(await failure("nested.mjs")).toHaveLength(1)
  })

  const faults: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, RegExp]> = [
    ["a syntax error in TypeScript", { "f.ts": "const x = {{\n" }, /^f\.ts:1:12 {2}syntax error: Unexpected token$/],
    ["a syntax error in JavaScript", { "f.mjs": "const x = 1\nexport default {{\n" }, /^f\.mjs:2:17 {2}syntax error: /],
    [
      "a syntax error in an imported file",
      { "f.ts": 'import "./g.mjs"\n', "g.mjs": "\nlet let = 1" },
      /^g\.mjs:2:5 {2}syntax error: /
    ],
    [
      "syntax that Node can't strip",
      { "f.ts": "\nenum A { B }\nexport default A" },
      /^f\.ts:2 {2}TypeScript enum is not supported .*write it in plain JavaScript\)$/
    ],
    [
      "no default export",
      { "f.ts": "export const a = 1" },
      /^f\.ts {2}there is no default export: write `export default defineConfig\(/
    ],
    [
      "a default export of another kind",
      { "f.ts": 'export default { app: "x" }' },
      /^f\.ts {2}the default export is an object, not a config/
    ],
    [
      "a thrown error",
      { "f.ts": '\nconst f = () => {\n  throw new Error("boom")\n}\nf()\n' },
      /^f\.ts:3:9 {2}the config threw Error: boom$/
    ],
    ["a thrown text", { "f.mjs": 'throw "boom"' }, /^f\.mjs {2}the config threw boom$/],
    [
      "a rejected promise",
      { "f.ts": `${imports}export default defineConfig(async () => {\n  throw new TypeError("no")\n})` },
      /^f\.ts:3:9 {2}the config threw TypeError: no$/
    ],
    [
      "a missing package",
      { "f.ts": '\nimport "nope"\n' },
      /^f\.ts:2:1 {2}Can't find "nope", which is imported here\. Install it: npm i -D nope$/
    ],
    [
      "a file of a missing package",
      { "f.ts": '\nimport "@acme/nope/deep/file.js"\n' },
      /^f\.ts:2:1 {2}Can't find "@acme\/nope\/deep\/file\.js", .*npm i -D @acme\/nope$/
    ],
    ...["@/shared", "~/shared", "$lib/shared"].map(
      (alias) =>
        [
          `the path alias ${alias}`,
          { "f.ts": `\nimport "${alias}"\n` },
          /^f\.ts:2:1 {2}Can't find "[@~$]\w*\/shared", .*no tsconfig\.json maps it\. Add it to `paths`/
        ] as const
    ),
    [
      "a missing file",
      { "f.ts": 'import "./nope.ts"\n' },
      /^f\.ts:1:1 {2}Can't find "\.\/nope\.ts", .*Correct the path/
    ],
    [
      "a name that isn't exported",
      { "f.ts": 'import { b } from "./g.mjs"\nexport default b', "g.mjs": "export const a = 1" },
      /^f\.ts:1 {2}.*does not provide an export named 'b'$/
    ],
    [
      "a cyclic import",
      {
        "f.ts": 'import { x } from "./g.ts"\nexport default x',
        "g.ts": 'import f from "./f.ts"\nexport const x = f + 1'
      },
      /^g\.ts:2:18 {2}cyclic import: f\.ts → g\.ts → f\.ts \(Cannot access 'f' before initialization\): move the shared part/
    ],
    [
      "process.exit",
      { "f.ts": "process.exit(3)" },
      /^f\.ts {2}the config exited before it was done: it called process\.exit\(3\)$/
    ],
    [
      "an await without end",
      { "f.ts": "await new Promise(() => {})\nexport default 1" },
      /^f\.ts:1:1 {2}the config exited before it was done: it awaits something that never comes/
    ],
    [
      "an await without end in an imported file",
      {
        "f.ts": 'import { x } from "./wait.ts"\nawait x()\nexport default x',
        "wait.ts": "export const x = async () => {\n  await new Promise(() => {})\n}"
      },
      /^wait\.ts:2:3 {2}the config exited before it was done: .*\(here, or at f\.ts:2:1\)/
    ],
    [
      "an app that never resolves",
      { "f.ts": `${imports}export default defineConfig(async () => {\n  return await new Promise(() => {})\n})` },
      /^f\.ts:\d+:10 {2}the config exited before it was done: it awaits something that never comes/
    ],
    [
      "a function in the app",
      {
        "f.ts": `${imports}export default defineConfig({ app: "x", services: [service("a", { image: "nginx", env: { A: (() => 1) as any } })] })`
      },
      /^f\.ts:2:\d+ {2}services\[0\]\.env\.A {2}expected plain data, got a function$/
    ],
    [
      "a reference in a plain template",
      { "f.ts": `${imports}const s = secret("B")\nconst a = \`x\${s}\`` },
      /^f\.ts:3:\d+ {2}secret\("B"\) is a reference, .*write text`/
    ],
    [
      "no app",
      { "f.ts": `${imports}export default defineConfig((() => {}) as any)` },
      /^f\.ts.* {2}the function passed to defineConfig doesn't return an app/
    ],
    [
      "duplicate names",
      {
        "f.ts": `${imports}const a = service("a", { image: "nginx" })\nexport default defineConfig({ app: "x", services: [a,\n a] })`
      },
      /Two services have the name "a"/
    ]
  ]
  it.each(faults)("%s: one message with its position", async (_, files, expected) => {
    await write(files)
    const issues = await failure(Object.keys(files)[0] ?? "")
    expect(issues).toHaveLength(1)
    expect(issues[0] ?? "").toMatch(expected)
  })

  it("rejects a missing file, a folder, another kind of file, and an invalid stage", async () => {
    await write({ "folder.ts/x": "", "x.toml": "" })
    expect((await failure("none.ts")).join()).toMatch(/^none\.ts {2}file not found/)
    expect((await failure("folder.ts")).join()).toMatch(/^folder\.ts {2}this is a folder/)
    expect((await failure("x.toml")).join()).toMatch(
      /^x\.toml {2}a config is a file of TypeScript, JavaScript, YAML or JSON/
    )
    const error = await loadConfig({ folder: root, file: "ok.ts", stage: "No" }).catch((cause: unknown) => cause)
    expect(String(error)).toContain('"No" isn\'t a valid stage name')
  })

  it("locates a mistake after entries that a list leaves out", async () => {
    await write({
      "kept.ts": `${imports}export default defineConfig(({ stage }) => ({
  app: "shop",
  services: [
    stage === "dev" && service("dev", { image: "nginx" }),
    service("api", {
      image: "nginx",
      egress: [
        stage === "dev" && "10.0.0.0/8",
        "203.0.113.0/99"
      ]
    })
  ]
}))`
    })
    expect((await failure("kept.ts")).join()).toMatch(
      /^kept\.ts:10:9 {2}services\.api\.egress\.0 {2}"203\.0\.113\.0\/99" isn't/
    )
  })

  it("runs charts only if requested, and removes them from the app", async () => {
    const charted = (charts: string) =>
      `${imports}export default defineConfig({ app: "shop", services: [service("web", { image: "nginx" })], charts: ${charts} })`
    await write({
      "charts.ts": charted(`[false, () => ({ toJson: () => [{ kind: "Alert", spec: undefined, at: new Date(0) }] })]`),
      "odd.ts": charted(`[() => { throw new Error("never run") }]`),
      "none.ts": charted(`[() => ({})]`)
    })
    const asked = await loadConfig({ folder: root, file: "charts.ts", charts: true })
    expect(asked.charts).toEqual([{ kind: "Alert", at: "1970-01-01T00:00:00.000Z" }])
    const { charts, spec } = await loadConfig({ folder: root, file: "odd.ts" })
    expect([charts, Object.keys(spec).includes("charts")]).toEqual([[], false])
    await expect(loadConfig({ folder: root, file: "odd.ts", charts: true })).rejects.toThrow("never run")
    await expect(loadConfig({ folder: root, file: "none.ts", charts: true })).rejects.toThrow(
      /charts\[0\] doesn't return a cdk8s chart/
    )
  })

  it("reads patches and objects like YAML's, and reports their mistakes with lines", async () => {
    await write({
      "patch.ts": `${imports.replace("{ ", "{ object, patch, ")}
const web = service("web", { image: "nginx", manifests: [false, patch("Service", { spec: { template: { spec: { nodeSelector: { disktype: "ssd" } } } } })] })
export default defineConfig({ app: "shop", services: [web], manifests: [null, object({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } })] })`,
      "patch.yaml": `app: shop
services:
  - name: web
    image: nginx
    manifests:
      - patch: Service
        fields: { spec: { template: { spec: { nodeSelector: { disktype: ssd } } } } }
manifests:
  - { apiVersion: v1, kind: ConfigMap, metadata: { name: a } }`,
      "host.yaml": `app: shop
services:
  - name: web
    image: nginx
    manifests:
      - patch: Service
        fields:
          spec:
            template:
              spec:
                hostNetwork: true`
    })
    const [ts, yaml] = await Promise.all(["patch.ts", "patch.yaml"].map((file) => loadConfig({ folder: root, file })))
    expect(yaml?.spec).toStrictEqual(ts?.spec)
    expect((await failure("host.yaml")).join()).toMatch(/^host\.yaml:11:.*hostNetwork/)
  })

  it("gives up on a config that doesn't finish", async () => {
    await write({ "slow.ts": "setInterval(() => {}, 1000)\nawait new Promise(() => {})" })
    const evaluation = await Effect.runPromise(evaluate(join(root, "slow.ts"), "production", noFacts, { seconds: 0.3 }))
    expect(evaluation).toStrictEqual({ _tag: "TookTooLong", seconds: 0.3 })
    const told = await faultOfWaiting(join(root, "slow.ts"), 30)
    expect(told.issues[0]).toMatchObject({ file: join(root, "slow.ts"), line: 2, column: 1 })
    expect(told.issues[0]?.message ?? "").toMatch(/within 30 s.*AbortSignal\.timeout/)
    await write({ "loop.ts": "let n = 0\nfor (;;) n++" })
    expect((await faultOfWaiting(join(root, "loop.ts"), 30)).issues[0]).toMatchObject({ line: 2, column: 1 })
  })

  it("stops when the signal aborts", async () => {
    await write({ "wait.ts": "setInterval(() => {}, 1000)\nawait new Promise(() => {})" })
    const reason = new Error("enough")
    const error = await loadConfig({ folder: root, file: "wait.ts", signal: AbortSignal.abort(reason) }).catch(
      (cause: unknown) => cause
    )
    expect(error).toBe(reason)
  })
})

describe("findConfig", () => {
  it("searches the folder and those above it, and refuses two in one folder", async () => {
    await write({
      "app/maxcloud.config.ts": "",
      "app/deep/er/x": "",
      "two/maxcloud.config.ts": "",
      "two/maxcloud.config.yaml": ""
    })
    expect(await findConfig(join(root, "app/deep/er"))).toBe(join(root, "app/maxcloud.config.ts"))
    const two = await findConfig(join(root, "two")).catch((cause: unknown) => cause)
    expect(String(two)).toContain("Found both maxcloud.config.ts and maxcloud.config.yaml")
    const none = await findConfig(root).catch((cause: unknown) => cause)
    expect(String(none)).toContain("Run `maxcloud init`")
  })
})
