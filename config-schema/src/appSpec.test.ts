import { describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import { appSpec } from "../test/appSpecArbitrary.ts"
import { encodeAppSpec, parseAppSpec } from "./index.ts"

const issuesOf = (input: unknown): ReadonlyArray<string> =>
  Either.match(parseAppSpec(input), {
    onLeft: (issues) => issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`),
    onRight: () => []
  })
const ofService = (fields: object) => issuesOf({ app: "shop", services: [{ name: "api", image: "nginx", ...fields }] })
const at = (path: string, message: string) => [`services.0.${path}: ${message}`]

describe("parseAppSpec", () => {
  const long = "a".repeat(64)
  const cases: ReadonlyArray<readonly [string, object, string, string]> = [
    ["port 0", { port: 0 }, "port", "0 isn't a valid port. Use a whole number from 1 to 65535."],
    ["a port as text", { port: "80" }, "port", 'Expected a number or "auto", got "80".'],
    [
      "cpu lots",
      { cpu: "lots" },
      "cpu",
      '"lots" isn\'t a valid amount of CPU. Use vCPU such as 1 or 0.5, or milli-vCPU such as "500m".'
    ],
    ["cpu as a list", { cpu: [1] }, "cpu", "Expected a number or a text, got [1]."],
    [
      "memory 5x",
      { memory: "5x" },
      "memory",
      '"5x" isn\'t a valid amount of memory. Use bytes, or a quantity such as "256Mi" or "1Gi".'
    ],
    [
      "timeout without unit",
      { timeout: "5" },
      "timeout",
      '"5" isn\'t a valid duration. Use a number with its unit, such as "500ms", "30s" or "5m".'
    ],
    [
      "timeout as a number",
      { timeout: 5 },
      "timeout",
      '"5" isn\'t a valid duration. Use a number with its unit, such as "500ms", "30s" or "5m".'
    ],
    [
      "a drain longer than the timeout",
      { timeout: "10s", drain: "11s" },
      "drain",
      "drain (11 s) is longer than timeout (10 s), but no request lasts that long. Lower drain or raise timeout."
    ],
    ["no grace", { grace: "0s" }, "grace", '"0s" is out of range. Use a duration from 1s to 1h.'],
    [
      "min > max",
      { scale: { min: 5, max: 2 } },
      "scale.min",
      "min (5) is greater than max (2). Lower min or raise max."
    ],
    ["an unknown key", { scal: {} }, "scal", 'Unknown key "scal". Did you mean "scale"?'],
    ["an unknown key inside", { scale: { mni: 1 } }, "scale.mni", 'Unknown key "mni". Did you mean "min"?'],
    [
      "an invalid number in env",
      { env: { N: Number.NaN } },
      "env.N",
      "NaN isn't a valid number for a variable. Use a text."
    ],
    [
      "nothing in env",
      { env: { N: undefined } },
      "env.N",
      "The variable has no value. Set a text, or remove the variable."
    ],
    [
      "= in an env key",
      { env: { "A=B": "x" } },
      "env.A=B",
      '"A=B" isn\'t a valid name for an environment variable. Use letters, digits and "_". Don\'t start with a digit.'
    ],
    [
      "an invalid PORT in env",
      { env: { PORT: "web" } },
      "env.PORT",
      'PORT isn\'t a port. Set a whole number from 1 to 65535, such as "3000".'
    ],
    [
      "a PORT in env beside another port",
      { env: { PORT: "3000" }, port: 8080 },
      "env.PORT",
      "PORT is 3000 here, but `port` is different. Both set the port that the program listens on, so remove one of them."
    ],
    [
      "a bad secret name",
      { env: { A: { secret: "a-b" } } },
      "env.A.secret",
      '"a-b" isn\'t a valid secret name. Use up to 128 letters, digits and "_". Don\'t start with a digit.'
    ],
    [
      "a bad property",
      { env: { A: { service: "api", property: "uri" } } },
      "env.A.property",
      'Expected "url", "host" or "publicUrl", got "uri".'
    ],
    [
      "an env value of an unknown shape",
      { env: { A: { a: 1 } } },
      "env.A",
      'Expected a text, a number, true or false or an object with the keys secret, generate; or service, property; or external, property, stage; or join, got {"a":1}.'
    ],
    ["image and source", { source: "./api" }, "source", "A service can't have both an image and a source. Remove one."],
    ["a wrong visibility", { visibility: "pubic" }, "visibility", 'Expected "public" or "internal", got "pubic".'],
    ["a wrong egress", { egress: "nothing" }, "egress", 'Expected "internet", "none" or a list, got "nothing".'],
    [
      "an invalid range",
      { egress: ["1.2.3.4"] },
      "egress.0",
      '"1.2.3.4" isn\'t a valid IPv4 range. Use a form like "203.0.113.0/24".'
    ],
    [
      "a wrong image",
      { image: "Nginx:" },
      "image",
      '"Nginx:" isn\'t a valid image reference. Use a form like "nginx:1.27" or "registry.example.com/team/app@sha256:…".'
    ],
    ["a number as image", { image: 3 }, "image", "Expected a text, got 3."],
    ["a long name", { name: long }, "name", `"${long}" has 64 characters. A service name can have up to 57.`],
    ["a link to itself", { links: ["api"] }, "links.0", '"api" links to itself. Remove the link.'],
    [
      "a link to itself through env",
      { env: { A: { service: "api", property: "url" } } },
      "env.A",
      '"api" links to itself. Remove the link.'
    ],
    [
      "a link to nothing",
      { links: ["db"] },
      "links.0",
      '"api" refers to "db", which isn\'t a service of this app. Add it to `services`, or remove the link.'
    ]
  ]
  it.each(cases)("%s: one message", (_, fields, path, message) => {
    expect(ofService(fields)).toStrictEqual(at(path, message))
  })

  it("reports a service without image and source", () => {
    expect(issuesOf({ app: "shop", services: [{ name: "api" }] })).toStrictEqual([
      'services.0: The service needs an image or a source. Add `image: "nginx:1.27"` or `source: "./api"`.'
    ])
  })

  it("reports duplicate names", () => {
    const services = [
      { name: "api", image: "nginx" },
      { name: "api", image: "nginx" }
    ]
    expect(issuesOf({ app: "shop", services })).toStrictEqual([
      'services.1.name: Two services have the name "api": services[0] and services[1]. Rename one of them.'
    ])
  })

  it("reports a misspelled key once, without also reporting the right one as missing", () => {
    expect(issuesOf({ app: "shop", servics: [] })).toStrictEqual([
      'servics: Unknown key "servics". Did you mean "services"?'
    ])
  })

  it("reports missing fields, and values that aren't an app at all", () => {
    expect(issuesOf({})).toStrictEqual([
      "app: This field is missing. Add it: a text.",
      "services: This field is missing. Add it: a list."
    ])
    expect(issuesOf(undefined)).toStrictEqual([": This field is missing. Add it: an object."])
    expect(issuesOf([])).toStrictEqual([": Expected an object, got []."])
    expect(issuesOf({ app: "shop", services: [], apiVersion: "v2" })).toStrictEqual([
      'apiVersion: Unknown apiVersion "v2". This version of max-cloud reads "maxcloud.dev/v1": update it if the config is newer, or run `maxcloud config migrate` if it is older.'
    ])
  })

  it("reports every mistake of a service at once", () => {
    expect(ofService({ port: 0, cpu: "lots", scal: 1, env: { "A=B": "x", N: null, PORT: "1" } })).toHaveLength(6)
  })

  it("reports one message for each path of any input", () => {
    const anything = fc.object({
      key: fc.constantFrom("app", "services", "name", "image", "env", "scale", "port", "a")
    })
    fc.assert(
      fc.property(anything, (input) => {
        const paths = issuesOf({ app: "shop", services: [input] }).map((text) => text.split(": ")[0])
        expect(new Set(paths)).toHaveLength(paths.length)
      })
    )
  })

  it("encodes to a form that decodes to the same value", () => {
    fc.assert(
      fc.property(appSpec, (written) => {
        const spec = Either.getOrThrowWith(parseAppSpec(written), (issues) => new Error(JSON.stringify(issues)))
        const encoded = encodeAppSpec(spec)
        expect(JSON.parse(JSON.stringify(encoded))).toStrictEqual(encoded)
        expect(Either.getOrThrow(parseAppSpec(encoded))).toStrictEqual(spec)
        expect(encodeAppSpec(Either.getOrThrow(parseAppSpec(encoded)))).toStrictEqual(encoded)
      }),
      { numRuns: 300 }
    )
  })
})
