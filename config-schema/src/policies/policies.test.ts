import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import { appSpec } from "../../test/appSpecArbitrary.ts"
import { parseAppSpec } from "../appSpec.ts"
import { fieldsOf } from "../field.ts"
import { ServiceSpec } from "../service.ts"
import { keptPolicies } from "./kept.ts"
import { policyAppOf, writtenField } from "./PolicyApp.ts"
import { isNoSecret, keyIn, namesSecret } from "./plainSecrets.ts"
import { judge, parsePolicies, parsePolicyList, policyCode } from "./policies.ts"

const digest = `sha256:${"0".repeat(64)}`
const appOf = (service: object) =>
  policyAppOf(
    Either.getOrThrow(parseAppSpec({ app: "shop", services: [{ name: "web", image: "nginx:1.27", ...service }] })),
    "dev"
  )
const parsed = (written: unknown) => Either.flatMap(parsePolicyList(written), parsePolicies)
/** The findings of one policy for one service: paths and messages. */
const findings = (written: unknown, service: object) => {
  const found = judge(appOf(service), Either.getOrThrow(parsed([written])), [])
  return [...found.problems, ...found.warnings].map(({ message, path }) => `${path.slice(2).join(".")} ${message}`)
}
const mistakes = (written: unknown) =>
  Either.match(parsed(written), {
    onLeft: (issues) => issues.map(({ message, path }) => `${path.join(".")}: ${message}`),
    onRight: () => []
  })

describe("a built-in policy", () => {
  const cases: ReadonlyArray<readonly [policy: unknown, good: object, bad: object, message: RegExp]> = [
    ["noLatest", { image: "nginx:1.27" }, { image: "nginx" }, /^image noLatest: The image nginx has no tag/],
    ["noLatest", { image: `nginx@${digest}` }, { image: "nginx:latest" }, /^image .*has the tag "latest"/],
    ["pinnedDigests", { image: `nginx:1@${digest}` }, { image: "nginx:1.27" }, /^image .*isn't named by its digest/],
    [
      { allowedRegistries: ["ghcr.io/acme", "docker.io/library/"] },
      { image: "ghcr.io/acme/a/b:1" },
      { image: "ghcr.io/acmeevil/a:1" },
      /^image .*comes from ghcr\.io\. Use one of ghcr\.io\/acme/
    ],
    [{ allowedRegistries: ["docker.io"] }, { image: "nginx" }, { image: "quay.io/a/b" }, /comes from quay\.io/],
    [{ maxMemory: "1Gi" }, { memory: "1Gi" }, { memory: 1_073_741_825 }, /^memory .*Use 1Gi or less/],
    [{ maxCpu: 0.5 }, { cpu: "500m" }, { cpu: 1 }, /^cpu maxCpu: It has 1 vCPU\. Use 500m or less\./],
    [{ maxInstances: 9 }, { scale: { max: 9 } }, {}, /^scale\.max .*10 instances\. Set scale\.max to 9 or less/],
    [
      "requireReadiness",
      { probes: { readiness: { path: "/ok" } } },
      { probes: { readiness: {} } },
      /^probes\.readiness\.path /
    ],
    [
      { requireLabels: ["team", "a.b/c"] },
      { labels: { team: "x", "a.b/c": "y" } },
      { labels: { team: "" } },
      /^labels .*team: "…", "a\.b\/c": "…"/
    ],
    ["noPublic", { visibility: "internal" }, {}, /^visibility .*add "web" to noPublic/],
    [{ noPublic: ["web"] }, {}, { name: "other" }, /^visibility /],
    ["noOpenEgress", { egress: "none" }, {}, /^egress .*whole internet/],
    [{ noOpenEgress: ["web"] }, {}, { name: "other" }, /^egress /],
    [
      "noPlainSecrets",
      { env: { DB_PASSWORD: { secret: "DB_PASSWORD" } } },
      { env: { DB_PASSWORD: "hunter2" } },
      /^env\.DB_PASSWORD .*maxcloud secrets set DB_PASSWORD/
    ],
    [
      "noPlainSecrets",
      { env: { URL: "https://a.example/b" } },
      { env: { URL: { join: ["postgres://app:pw@db/", { secret: "S" }] } } },
      /^env\.URL .*a URL with a password/
    ],
    ["noPlainSecrets", { args: ["--port"] }, { args: ["--key", `ghp_${"a".repeat(36)}`] }, /^args\.1 .*a GitHub token/]
  ]
  it.each(cases)("%j: refuses exactly the apps that break it", (policy, good, bad, message) => {
    expect(findings(policy, good)).toEqual([])
    const found = findings(policy, bad)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(message)
  })

  it("has a case above", () => {
    const tried = cases.map(([policy]) => (typeof policy === "string" ? policy : Object.keys(Object(policy))[0]))
    expect([...new Set(tried)].sort()).toEqual(Object.keys(keptPolicies).sort())
  })

  it("ignores services with a source if it is about images", () => {
    const source = { image: undefined, source: "./web" }
    for (const policy of ["noLatest", "pinnedDigests", { allowedRegistries: ["x.io"] }])
      expect(findings(policy, source)).toEqual([])
  })

  it.each(Object.entries(keptPolicies))("%s has the text of the table above its function", (name, { description }) => {
    const authoring = readFileSync(join(import.meta.dirname, "authoring.ts"), "utf8")
    expect(authoring).toContain(`/** ${description} */\nexport const ${name}`)
  })

  it("never shows a value that it considers a secret", () => {
    expect(findings("noPlainSecrets", { env: { TOKEN: "abcdefgh-secret" } }).join()).not.toContain("abcdefgh")
  })
})

describe("plain secrets", () => {
  it("are detected by the format of their values", () => {
    const found = [
      "AKIAABCDEFGHIJKLMNOP",
      "glpat-abcdefghijklmnopqrst",
      "-----BEGIN RSA PRIVATE KEY-----\nx",
      "redis://:pw@host:6379"
    ]
    for (const text of found) expect(keyIn(text)).toBeDefined()
    for (const text of ["https://a@b.example", "AKIA", "redis://host:6379/0", "a:b@c"])
      expect(keyIn(text)).toBeUndefined()
  })

  it("are detected by the last words of a variable's name", () => {
    const secret = ["PASSWORD", "DB_PASSWORD", "api_key", "GITHUB_TOKEN", "AUTH_SECRET", "JWT_PRIVATE_KEY"]
    const other = ["TOKEN_TTL", "PASSWORD_MIN_LENGTH", "CACHE_KEY", "KEY", "SECRET_NAME", "MONKEY"]
    expect(secret.filter((name) => !namesSecret(name))).toEqual([])
    expect(other.filter(namesSecret)).toEqual([])
    expect(["", "8", "true", "/run/secrets/x"].every(isNoSecret)).toBe(true)
  })
})

describe("a list of policies", () => {
  it.each<readonly [written: unknown, message: string]>([
    ["noLatest", 'policies: Expected a list such as [noLatest], got "noLatest".'],
    [["noLatset"], 'policies.0: Unknown policy "noLatset". Did you mean "noLatest"?'],
    [[{ maxMemroy: 1 }], 'policies.0.maxMemroy: Unknown policy "maxMemroy". Did you mean "maxMemory"?'],
    [["maxMemory"], "policies.0: The policy maxMemory needs a value, such as { maxMemory: 1Gi }."],
    [[{ noLatest: true }], "policies.0.noLatest: The policy noLatest takes no value. Use noLatest."],
    [
      [{ maxInstances: 0 }],
      "policies.0.maxInstances: 0 isn't a valid number of instances. Use a whole number from 1 to 1000."
    ],
    [
      [{ noPublic: ["A"] }],
      'policies.0.noPublic.0: "A" isn\'t a valid service name. Use lowercase letters, digits and "-". Start with a letter and end with a letter or digit.'
    ],
    [
      [5],
      "policies.0: A policy must be a name, such as noLatest, or have a value, such as { maxMemory: 1Gi }. This is 5."
    ],
    [
      [{}],
      "policies.0: A policy must be a name, such as noLatest, or have a value, such as { maxMemory: 1Gi }. This is {}."
    ],
    [[{ warn: { warn: "noLatest" } }], "policies.0.warn: This warns already. Remove the inner `warn`."],
    [["constructor"], `policies.0: Unknown policy "constructor". Use one of ${Object.keys(keptPolicies).join(", ")}.`],
    [
      Array.from({ length: 101 }, () => "noLatest"),
      "policies: The list of policies has 101 items. It can have up to 100: remove some."
    ]
  ])("%j: one message", (written, message) => {
    expect(mistakes(written)).toEqual([message])
  })

  it("separates policies that refuse from those that warn", () => {
    const policies = Either.getOrThrow(parsed(["noLatest", { warn: "noPublic" }]))
    const { problems, warnings } = judge(appOf({ image: "nginx" }), policies, [])
    expect(problems).toEqual([
      { path: ["services", 0, "image"], message: expect.stringMatching(/^noLatest: /), code: policyCode }
    ])
    expect(warnings.map(({ path }) => path)).toEqual([["services", 0, "visibility"]])
  })

  it("checks every app without failing, and reports existing paths", () => {
    const all = Object.values(keptPolicies).map(({ example }) =>
      example.startsWith("{")
        ? Object.fromEntries(
            [example.slice(2, -2).split(": ")].map(([name = "", value = ""]) => [
              name,
              /^\d+$/.test(value) ? Number(value) : value.startsWith("[") ? [value.slice(1, -1)] : value
            ])
          )
        : example
    )
    const policies = Either.getOrThrow(parsed(all))
    fc.assert(
      fc.property(appSpec, (written) => {
        const spec = Either.getOrThrow(parseAppSpec(written))
        const { problems, warnings } = judge(policyAppOf(spec, "dev"), policies, [])
        expect(warnings).toEqual([])
        for (const { path } of problems) expect(spec.services[Number(path[1])]).toBeDefined()
      }),
      { numRuns: 100 }
    )
  })
})

describe("the app that a policy sees", () => {
  it("has every field of a service, under the same or another name", () => {
    const seen = Object.keys(appOf({}).services[0] ?? {}).flatMap((name) => writtenField(name))
    const written = fieldsOf(ServiceSpec).map(({ name }) => name)
    // The build of a source isn't relevant for policies.
    expect(written.filter((name) => name !== "build" && !seen.includes(name))).toEqual([])
    expect(writtenField("scale.idleSeconds")).toEqual(["scale", "idle"])
    expect(writtenField(["env", "tag"])).toEqual(["env", "tag"])
  })

  it("is plain data with every default", () => {
    const app = appOf({})
    expect(JSON.parse(JSON.stringify(app))).toEqual(app)
    expect(app.services[0]).toMatchObject({
      memoryBytes: 536_870_912,
      cpuMilli: 1000,
      timeoutSeconds: 300,
      registry: "docker.io",
      repository: "library/nginx",
      tag: "1.27",
      digest: null,
      probes: { readiness: null }
    })
  })
})
