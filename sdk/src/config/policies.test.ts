import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { defineConfig, maxMemory, noLatest, policy, service, warn } from "@maxcloud/config-schema/authoring"
import { Effect } from "effect"
import { makeConfigFolder } from "../../test/configFolder.ts"
import { ConfigInvalid, createClient, loadConfig, renderIssue } from "../index.ts"
import { renderConfig } from "../testing/index.ts"
import { assumedFacts } from "./configFacts.ts"
import { evaluate } from "./evaluate.ts"

const { failure, remove, root, write } = await makeConfigFolder()
afterAll(remove)

const imports = `import { defineConfig, maxMemory, noLatest, noPublic, policy, service, warn } from "@maxcloud/sdk/config"\n`

/** The findings of a config's policies, as printed for users. */
const found = async (file: string) => {
  const loaded = await loadConfig({ folder: root, file })
  const lines = async (issues: typeof loaded.policies.problems) =>
    (await loaded.locate(issues)).map((issue) => renderIssue(issue, root))
  return { problems: await lines(loaded.policies.problems), warnings: await lines(loaded.policies.warnings) }
}
const withPolicies = (policies: string) =>
  `${imports}export default defineConfig(({ stage }) => ({
  app: "shop",
  services: [
    service("web", {
      image: "nginx",
      memory: "2Gi"
    })
  ],
  policies: [
    ${policies}
  ]
}))`

describe("policies of a config", () => {
  it("report violations with the line, in TypeScript", async () => {
    await write({
      "a.ts": withPolicies('noLatest, stage === "dev" && noPublic(), maxMemory("1Gi"), warn(noPublic("api"))')
    })
    const { problems, warnings } = await found("a.ts")
    expect(problems).toEqual([
      expect.stringMatching(/^a\.ts:6:7 {2}services\.web\.image {2}noLatest: The image nginx has no tag/),
      "a.ts:7:7  services.web.memory  maxMemory: It has 2Gi of memory. Use 1Gi or less."
    ])
    expect(warnings).toEqual([
      expect.stringMatching(/^a\.ts:5:20 {2}services\.web\.visibility {2}noPublic: It is public/)
    ])
  })

  it("report the same in YAML and JSON", async () => {
    await write({
      "a.yaml":
        "app: shop\npolicies: [noLatest, { warn: { maxMemory: 1Gi } }]\nservices:\n  - name: web\n    image: nginx\n    memory: 2Gi\n",
      "a.json": '{ "app": "shop", "policies": ["noLatest"],\n "services": [{ "name": "web",\n "image": "nginx" }] }'
    })
    expect(await found("a.yaml")).toEqual({
      problems: [expect.stringMatching(/^a\.yaml:5:5 {2}services\.web\.image {2}noLatest: /)],
      warnings: [expect.stringMatching(/^a\.yaml:6:5 {2}services\.web\.memory {2}maxMemory: /)]
    })
    expect((await found("a.json")).problems).toEqual([expect.stringMatching(/^a\.json:3:2 /)])
  })

  it("are mistakes in the config if they are invalid", async () => {
    await write({
      "bad.yaml": "app: shop\nservices: []\npolicies:\n  - noLatest\n  - maxMemory: lots\n",
      "list.yaml": "app: shop\nservices: []\npolicies: noLatest\n",
      "bad.ts": withPolicies('maxMemory("lots" as "1Gi")'),
      "call.ts": withPolicies("maxMemory as any"),
      "data.ts": withPolicies("maxMemory((() => 1) as any)")
    })
    expect(await failure("bad.yaml")).toEqual([
      expect.stringMatching(/^bad\.yaml:5:5 {2}policies\[1\]\.maxMemory {2}"lots" isn't a valid amount of memory/)
    ])
    expect(await failure("list.yaml")).toEqual([
      expect.stringMatching(/^list\.yaml:3:1 {2}policies {2}Expected a list/)
    ])
    expect(await failure("bad.ts")).toEqual([
      expect.stringMatching(/^bad\.ts:11:5 {2}policies\[0\]\.maxMemory {2}"lots" isn't/)
    ])
    expect((await failure("call.ts")).join()).toMatch(/policies\[0\] isn't a policy: call it, as in maxMemory\("1Gi"\)/)
    expect((await failure("data.ts")).join()).toMatch(/^data\.ts:11:5 .*expected plain data, got a function/)
  })

  it("can be functions of the app, with every default filled in", async () => {
    await write({
      "own.ts":
        withPolicies(`policy("small", (app) => app.services.filter((each) => each.memoryBytes > 2 ** 30).map((each) => ({
      service: each.name, field: "memoryBytes", message: \`\${each.scale.max} times too large.\`
    }))),
    policy("named", async ({ app, stage }) => [app !== "store" && \`\${app} of \${stage} isn't a store.\`, undefined]),
    warn(policy("quiet", (app) => ({ message: "Nothing to see.", field: "services" }))),
    policy("content", () => undefined)`)
    })
    expect(await found("own.ts")).toEqual({
      problems: [
        "own.ts:7:7  services.web.memory  small: 10 times too large.",
        expect.stringMatching(/^own\.ts:2:45 {2}named: shop of production isn't a store\.$/)
      ],
      warnings: ["own.ts:4:3  services  quiet: Nothing to see."]
    })
  })

  it.each<readonly [check: string, fault: RegExp]>([
    ['() => { throw new RangeError("too bad") }', /The policy "own" threw RangeError: too bad\. Fix the function\.$/],
    ["() => 5 as any", /The policy "own" returned 5\. Return texts, objects such as/],
    ["() => true as any", /The policy "own" returned true\./],
    ["() => [{ service: 5 }] as any", /The policy "own" returned \{"service":5\}\./],
    ["() => (() => 1) as any", /The policy "own" returned a function\./],
    [
      '() => ({ message: "x", service: "api" })',
      /The policy "own" names the service "api", which the app doesn't have/
    ],
    ["(app) => { (app.services as any).push(1); return undefined }", /The policy "own" threw TypeError: /],
    ["() => process.exit(3)", /The policy "own" called process\.exit\(3\)\. Remove the call\./]
  ])("report a failing function without a stack: %s", async (check, fault) => {
    await write({ "fault.ts": withPolicies(`policy("first", () => undefined), warn(policy("own", ${check}))`) })
    const { problems, warnings } = await found("fault.ts")
    expect([problems.length, warnings]).toEqual([1, []])
    expect(problems[0]).toMatch(/^fault\.ts:11:\d+ {2}policies\[1\] {2}/)
    expect(problems[0]).toMatch(fault)
    expect(problems[0]).not.toContain("\n")
  })

  it.each([
    ["() => { for (;;) {} }", "didn't finish within 0.3 s: it loops, or waits for something that never comes."],
    [
      "() => new Promise(() => setInterval(() => {}, 1000))",
      "didn't finish within 0.3 s: it loops, or waits for something that never comes."
    ],
    [
      "() => new Promise(() => {})",
      "ended without an answer: it awaits something that never comes, or exits. Make it return an answer."
    ]
  ])("stop a function that doesn't finish: %s", async (check, fault) => {
    await write({ "loop.ts": withPolicies(`policy("calm", () => undefined), policy("wild", ${check})`) })
    const evaluated = await Effect.runPromise(
      evaluate(
        join(root, "loop.ts"),
        "production",
        { server: Effect.succeed(assumedFacts), git: Effect.succeed(undefined) },
        {
          policySeconds: 0.3,
          asked: () => ({ app: "shop", stage: "production", services: [], exports: {}, manifests: [] })
        }
      )
    )
    expect(evaluated).toMatchObject({
      _tag: "Evaluated",
      answers: [{ problems: [] }, { fault }]
    })
  })
})

describe("an app that breaks a policy", () => {
  const config = defineConfig({
    app: "shop",
    services: [service("web", { image: "nginx", memory: "2Gi" })],
    policies: [noLatest, warn(maxMemory("1Gi")), policy("own", () => "Never.")]
  })
  const sent: Array<string> = []
  const client = createClient({
    apiUrl: "http://127.0.0.1:1",
    fetch: async (input) => {
      const url = input instanceof Request ? input.url : String(input)
      sent.push(new URL(url).pathname)
      return Response.json(
        url.endsWith("/info")
          ? { version: "1", minimumClient: "1", features: [], runtime: "local", organization: "acme", inPlace: false }
          : {
              app: "shop",
              stage: "production",
              id: null,
              basedOn: null,
              changes: [],
              problems: [],
              warnings: [],
              platform: [],
              images: {},
              secretVersions: {},
              manifests: null
            }
      )
    }
  })

  it("is refused by deploy before anything is sent, and reported by plan", async () => {
    const refused = await client.deploy(config).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(ConfigInvalid)
    expect(String(refused)).toMatch(/services\.web\.image {2}noLatest: .*\nown: Never\./)
    expect(sent).toEqual(["/api/v1/info"])
    const plan = await client.plan(config)
    expect(plan.problems.map(({ code, pointer }) => [code, pointer])).toEqual([
      ["policy", "/spec/services/0/image"],
      ["policy", "/spec"]
    ])
    expect(plan.warnings.map(({ pointer }) => pointer)).toEqual(["/spec/services/0/memory"])
  })

  it("isn't rendered in tests; warnings are", async () => {
    await expect(renderConfig({ config })).rejects.toThrow(/own: Never\./)
    const only = defineConfig({
      app: "shop",
      services: [service("web", { image: "nginx" })],
      policies: [warn(noLatest)]
    })
    expect((await renderConfig({ config: only })).warnings).toMatchObject([
      { code: "policy", path: "services.web.image" }
    ])
  })
})
