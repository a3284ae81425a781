import { readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect } from "effect"
import { configurationPage } from "./configurationPage.ts"
import { readSettings, refuseWithoutMail, settings } from "./ServerConfig.ts"

const read = (environment: Record<string, string>, options = {}) =>
  Effect.withConfigProvider(readSettings(options), ConfigProvider.fromMap(new Map(Object.entries(environment))))

const [root] = import.meta.dirname.split(/(?<=server\/src)\b/)
const sources = readdirSync(root ?? "", { recursive: true, encoding: "utf8" })
  .filter((text) => text.endsWith(".ts") && !text.endsWith(".test.ts") && !basename(text).startsWith("test"))
  .map((value) => ({ file: basename(value), text: readFileSync(join(root ?? "", value), "utf8") }))

/** Variables that the system, the cluster or a server's own pod sets, not an operator. */
const notSettings = [
  "connect.ts: KUBECONFIG",
  "connect.ts: KUBERNETES_SERVICE_HOST",
  "listening.ts: PORT",
  "listening.ts: PORT",
  "logging.ts: NO_COLOR",
  "probe.ts: KUBERNETES_SERVICE_HOST",
  "probe.ts: KUBERNETES_SERVICE_PORT",
  "probe.ts: MAXCLOUD_NODE_ADDRESS",
  "probe.ts: MAXCLOUD_PROBE",
  "probe.ts: MAXCLOUD_PROBE_SERVE",
  "probe.ts: PORT",
  "socketPlace.ts: XDG_RUNTIME_DIR"
]

describe("ServerConfig", () => {
  it.effect("has a default for everything", () =>
    Effect.gen(function* () {
      const settings = yield* read({})
      expect(settings.host).toBe("127.0.0.1")
      expect(settings.port).toBe(8080)
      expect(settings.dataDir).toBe(join(process.cwd(), ".maxcloud"))
      expect(Duration.toSeconds(settings.drainTimeout)).toBe(10)
      expect(settings.databaseUrl).toBeUndefined()
    })
  )

  it.effect("reads the environment, and options take precedence", () =>
    Effect.gen(function* () {
      const settings = yield* read({ MAXCLOUD_PORT: "0", MAXCLOUD_IN_PLACE: "true", MAXCLOUD_HOST: "::1" }, { port: 9 })
      expect(settings.port).toBe(9)
      expect(settings.host).toBe("::1")
      expect(settings.inPlace).toBe(true)
    })
  )

  it.effect.each([
    [{ MAXCLOUD_PORT: "http" }, /^MAXCLOUD_PORT: "http" .*0 to 65535/],
    [{ MAXCLOUD_PORT: "65536" }, /^MAXCLOUD_PORT: /],
    [{ MAXCLOUD_LOG_LEVEL: "loud" }, /MAXCLOUD_LOG_LEVEL.*trace, debug/],
    [{ MAXCLOUD_EXTERNAL_SECRET_STORE: "Vault" }, /MAXCLOUD_EXTERNAL_SECRET_STORE: "Vault".*"vault"/],
    [{ MAXCLOUD_RUNTIME: "Local" }, /MAXCLOUD_RUNTIME: "Local".*local or kubernetes/],
    [{ MAXCLOUD_DOMAIN: "-x" }, /MAXCLOUD_DOMAIN/],
    ...["no sense", "127.0.0.1:8080", "http://localhost", "[::1]:80", "a/b", "host?", "a@b"].map(
      (host): [Record<string, string>, RegExp] => [{ MAXCLOUD_HOST: host }, /MAXCLOUD_HOST.*without a port/s]
    ),
    [{ MAXCLOUD_HOST: "0.0.0.0", MAXCLOUD_AUTH: "local" }, /can't listen on "0\.0\.0\.0".*could deploy/],
    [{ MAXCLOUD_QUOTA_MEMORY: "64GB" }, /MAXCLOUD_QUOTA_MEMORY: "64GB".*64Gi/],
    [
      { MAXCLOUD_PRIVATE_REGISTRIES: "https://registry.corp" },
      /MAXCLOUD_PRIVATE_REGISTRIES.*registry\.example\.com,10\.0\.0\.5:5000/
    ],
    [{ MAXCLOUD_RATE_LIMIT: "0" }, /MAXCLOUD_RATE_LIMIT/]
  ] as ReadonlyArray<readonly [Record<string, string>, RegExp]>)("says what is wrong: %o", ([environment, message]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read(environment))
      expect(error.message).toMatch(message)
    })
  )

  it.effect.each([
    [{ MAXCLOUD_HOST: "192.168.1.5" }, /no mail transport is set.*SMTP_URL.*MAXCLOUD_MAIL=log/],
    [{ RESEND_API_KEY: "re_1" }, /RESEND_API_KEY needs MAXCLOUD_MAIL_FROM/]
  ] as ReadonlyArray<readonly [Record<string, string>, RegExp]>)(
    "says that a server has no mail transport, which an operator's command doesn't need: %o",
    ([environment, message]) =>
      Effect.gen(function* () {
        const settings = yield* read(environment)
        expect((yield* Effect.flip(refuseWithoutMail(settings))).message).toMatch(message)
      })
  )

  it("has no unused setting, and no two settings with the same variable", () => {
    const all = sources.map((source) => source.text).join("\n")
    const unused = Object.keys(settings).filter((key) => [...all.matchAll(new RegExp(`\\b${key}\\b`, "g"))].length < 2)
    expect(unused).toStrictEqual([])
    const names = Object.values(settings).map((setting) => setting.name)
    expect(names).toStrictEqual([...new Set(names)])
  })

  it("are the only variables read from the environment, except those that no operator sets", () => {
    const elsewhere = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/process\.env(?:\.|\[")(\w+)|\bConfig\.(?:string|nonEmptyString|redacted)\("(\w+)"/g)].map(
        ([, one, other]) => `${file}: ${one ?? other}`
      )
    )
    expect(elsewhere.sort()).toStrictEqual(notSettings)
  })

  it("is described in docs/reference/configuration.md (otherwise run `npm run generate`)", () => {
    const committed = readFileSync(join(import.meta.dirname, "../../../../docs/reference/configuration.md"), "utf8")
    expect(committed).toBe(configurationPage())
  })
})
