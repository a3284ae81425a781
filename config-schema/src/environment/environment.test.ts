import { readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { createContext, runInContext } from "node:vm"
import { assert, describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import { build } from "esbuild"
import * as fc from "fast-check"
import { external, service } from "../authoring.ts"
import { defineConfig, evaluateConfig, parseAppSpec } from "../index.ts"
import { text } from "../references.ts"
import { filled } from "./envOf.ts"
import {
  boolean,
  EnvInvalid,
  type EnvOf,
  envOf,
  number,
  oneOf,
  optional,
  readEnv,
  secret,
  string,
  url
} from "./index.ts"

const contract = envOf({
  DATABASE_URL: secret(),
  SESSION_KEY: secret("SESSION", { generate: 32 }),
  RATE: number({ default: 5 }),
  WORKERS: number({ integer: true, min: 1, max: 64 }),
  DEBUG: boolean({ default: false }),
  MODE: oneOf("fast", "safe"),
  LEVEL: oneOf(["info", "warn"], { default: "info" }),
  GREETING: string({ default: "Hello" }),
  API: url(),
  SENTRY: optional(url())
})

const complete = {
  DATABASE_URL: "postgres://app:hunter2@db/shop",
  SESSION_KEY: "a-key",
  WORKERS: "4",
  MODE: "fast",
  API: "http://api.example.com"
}

const refusal = (source: Readonly<Record<string, string>>): EnvInvalid => {
  try {
    readEnv(contract, source)
  } catch (error) {
    if (error instanceof EnvInvalid) return error
    throw error
  }
  return expect.unreachable("it is read")
}

describe("readEnv", () => {
  it("returns typed values, with defaults for missing ones", () => {
    const env: EnvOf<typeof contract> = readEnv(contract, complete)
    const typed: {
      readonly DATABASE_URL: string
      readonly RATE: number
      readonly DEBUG: boolean
      readonly MODE: "fast" | "safe"
      readonly LEVEL: "info" | "warn"
      readonly SENTRY: string | undefined
    } = env
    expect({ ...typed }).toStrictEqual({
      ...{ DATABASE_URL: complete.DATABASE_URL, SESSION_KEY: "a-key", RATE: 5, WORKERS: 4, DEBUG: false },
      ...{ MODE: "fast", LEVEL: "info", GREETING: "Hello", API: "http://api.example.com", SENTRY: undefined }
    })
    // @ts-expect-error a variable that the contract doesn't have
    expect(env.RATES).toBeUndefined()
    // @ts-expect-error a number isn't a text
    const wrong: string = env.RATE
    expect(wrong).toBe(5)
  })

  it("reports every missing and malformed variable at once, without values", () => {
    const malformed = {
      WORKERS: "hunter2",
      DEBUG: "yes",
      MODE: "hunter2",
      API: "hunter2",
      RATE: "0x10",
      SENTRY: "hunter2"
    }
    const { message, problems } = refusal(malformed)
    expect(message).not.toContain("hunter2")
    expect(message).not.toContain("0x10")
    expect(problems.map(({ name, problem }) => `${name} ${problem}`)).toStrictEqual([
      "DATABASE_URL is missing. Set the secret: maxcloud secrets set DATABASE_URL",
      "SESSION_KEY is missing. Set the secret: maxcloud secrets set SESSION",
      "RATE isn't a number.",
      "WORKERS isn't a whole number from 1 to 64.",
      'DEBUG isn\'t "true" or "false".',
      'MODE isn\'t one of "fast", "safe".',
      "API isn't a URL with its scheme, such as https://example.com.",
      "SENTRY isn't a URL with its scheme, such as https://example.com."
    ])
    expect(message.split("\n")).toHaveLength(problems.length + 1)
  })

  it("reads each number and boolean that a config can set", () => {
    const one = envOf({ N: number(), B: boolean() })
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), (value, flag) => {
        const { env, problems } = filled(one.with({ N: value, B: flag }))
        expect(problems).toStrictEqual([])
        const spec = parseAppSpec({ app: "a", services: [{ name: "a", image: "a", env }] })
        assert(spec._tag === "Right")
        const sent = Object.fromEntries(
          Object.entries(spec.right.services[0]?.env ?? {}).map(([name, each]) => [name, String(each)])
        )
        expect({ ...readEnv(one, sent) }).toStrictEqual({ N: value === 0 ? Number(String(value)) : value, B: flag })
      })
    )
  })

  it("never shows a value, whatever it is", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^#[A-Z0-9]{6,40}$/), (value) => {
        const { message } = refusal({ ...complete, WORKERS: value, MODE: value, API: value, DEBUG: value })
        expect(message).not.toContain(value)
      })
    )
  })
})

describe("a contract in a config", () => {
  const evaluated = (env: Parameters<typeof service>[1]["env"]) =>
    evaluateConfig(defineConfig({ app: "shop", services: [service("api", { image: "nginx", ...(env && { env }) })] }), {
      ...{ stage: "production", organization: "local", runtime: "kubernetes", git: undefined }
    })

  it("becomes plain values and secrets that parse, including defaults", async () => {
    const api = service("api", { image: "nginx" })
    const { issues, spec } = await evaluated(
      contract.with({
        WORKERS: 4,
        MODE: "safe",
        API: api.publicUrl,
        DATABASE_URL: text`postgres://${secret("PASSWORD")}@db`
      })
    )
    expect(issues).toStrictEqual([])
    const parsed = Either.getOrThrow(parseAppSpec(spec))
    expect(parsed.services[0]?.env).toStrictEqual({
      DATABASE_URL: { join: ["postgres://", { secret: "PASSWORD" }, "@db"] },
      SESSION_KEY: { secret: "SESSION", generate: 32 },
      ...{ RATE: "5", WORKERS: "4", DEBUG: "false", MODE: "safe", LEVEL: "info", GREETING: "Hello" },
      API: { service: "api", property: "publicUrl" }
    })
  })

  it("reports every missing variable and every malformed value, with its position", async () => {
    // @ts-expect-error a value that the contract doesn't allow
    const { issues } = await evaluated(contract.with({ WORKERS: 0.5, MODE: "slow", DATABASE_URL: "plain", NOPE: "x" }))
    expect(issues.map(({ message, path }) => `${path.join(".")}: ${message}`)).toStrictEqual([
      'services.0.env.DATABASE_URL: The contract says that DATABASE_URL is a secret. Use secret("DATABASE_URL").',
      "services.0.env.WORKERS: The contract says that WORKERS must be a whole number from 1 to 64.",
      'services.0.env.MODE: The contract says that MODE must be one of "fast", "safe".',
      "services.0.env.API: The contract needs API, and nothing sets it. It must be a URL with its scheme, such as https://example.com.",
      "services.0.env.NOPE: The contract has no variable NOPE. Add it to envOf, or leave it out here."
    ])
  })
})

describe("@maxcloud/sdk/env", () => {
  const entry = fileURLToPath(new URL("../../../sdk/src/env.ts", import.meta.url))

  it("imports only six small files, and runs without Node", async () => {
    const { metafile, outputFiles } = await build({
      entryPoints: [entry],
      ...{
        bundle: true,
        write: false,
        metafile: true,
        minify: true,
        format: "iife",
        globalName: "sdk",
        platform: "neutral"
      },
      outdir: dirname(entry)
    })
    const root = fileURLToPath(new URL("../../..", import.meta.url))
    expect(
      Object.keys(metafile.inputs)
        .map((file) => relative(root, join(process.cwd(), file)))
        .sort()
    ).toStrictEqual([
      ...["envOf", "index", "readEnv", "variables"].map((name) => `config-schema/src/environment/${name}.ts`),
      "config-schema/src/misuse.ts",
      "config-schema/src/references.ts",
      "sdk/src/env.ts"
    ])
    for (const file of Object.keys(metafile.inputs))
      expect(readFileSync(join(process.cwd(), file), "utf8")).not.toMatch(/\bnode:|\brequire\(/)
    const [bundle] = outputFiles
    expect(bundle?.contents.length ?? 0).toBeLessThan(8_000)
    const program = `${bundle?.text}
      const { envOf, number, readEnv, secret } = sdk
      const contract = envOf({ KEY: secret(), RATE: number({ default: 5 }) })
      let lacking = ""
      try { readEnv(contract) } catch (error) { lacking = error.message }
      JSON.stringify([readEnv(contract, { KEY: "k", RATE: "7" }), lacking])`
    const [read, lacking] = JSON.parse(String(runInContext(program, createContext({ URL }))))
    expect(read).toStrictEqual({ KEY: "k", RATE: 7 })
    expect(lacking).toMatch(/KEY {2}is missing/)
  })
})

describe("a contract's reference", () => {
  it.each([
    ["a secret", secret("A")],
    ["an address", service("api", { image: "a:1" }).url],
    ["an address of another app", external("billing", "api").url],
    ["a joined text", text`${external("billing", "api").url}/v1`]
  ])("can be %s", (_, given) => {
    expect(filled(envOf({ API: url() }).with({ API: given }))).toEqual({ env: { API: given }, problems: [] })
  })
})
