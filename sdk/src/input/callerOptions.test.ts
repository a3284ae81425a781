import { afterAll, describe, expect, it } from "@effect/vitest"
import { defineConfig, service } from "@maxcloud/config-schema"
import { Cause, Effect, Exit, Stream } from "effect"
import { imports, makeConfigFolder } from "../../test/configFolder.ts"
import { InvalidRequest } from "../api/index.ts"
import { createClient as createBrowserClient } from "../browser.ts"
import * as effects from "../effect.ts"
import * as promises from "../index.ts"
import { makeMaxCloud } from "../MaxCloud.ts"
import { renderConfig } from "../testing/index.ts"

const { remove, root, write } = await makeConfigFolder()
afterAll(remove)
await write({
  "maxcloud.config.ts": `${imports}export default defineConfig({ app: "shop", services: [service("web", { image: "nginx:1" })] })`
})
const config = defineConfig({ app: "shop", services: [service("web", { image: "nginx:1" })] })
const isAny = (_: unknown): _ is never => true
const nothing = async function* (): AsyncGenerator<string> {}

/** The failure or the defect of an Effect. */
const failing = async (effect: Effect.Effect<unknown, unknown>) => {
  const exit = await Effect.runPromiseExit(effect)
  if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
}

/** Each exported function that takes options, with one that it has. */
const functions: ReadonlyArray<readonly [name: string, option: string, call: (options: never) => unknown]> = [
  ["createClient", "timeoutSeconds", promises.createClient],
  ["createClient of /browser", "timeoutSeconds", createBrowserClient],
  ["makeMaxCloud", "timeoutSeconds", (options) => failing(makeMaxCloud(options))],
  [
    "MaxCloud.layer",
    "timeoutSeconds",
    (options) => failing(Effect.scoped(Effect.provide(effects.MaxCloud, effects.MaxCloud.layer(options))))
  ],
  ["loadConfig", "stage", promises.loadConfig],
  ["loadConfig of /effect", "stage", (options) => failing(effects.loadConfig(options))],
  ["renderConfig", "stage", renderConfig],
  ["defaultCredentials", "apiUrl", promises.defaultCredentials],
  ["renderProgress", "now", promises.renderProgress],
  ["verifyAuditExport", "publicKeys", (options) => promises.verifyAuditExport(nothing(), options)],
  ["verifyAuditExport of /effect", "publicKeys", (o) => failing(effects.verifyAuditExport(Stream.empty, o))]
]

const refusal = async (call: () => unknown): Promise<string> => {
  const error = await Promise.resolve()
    .then(call)
    .then(
      () => expect.unreachable("accepted"),
      (error: unknown) => error
    )
  expect(error).toBeInstanceOf(InvalidRequest)
  return String(error)
}

describe("the options of a function", () => {
  it.each(functions)("%s: an unknown option is refused with the one that was meant", async (_name, option, call) => {
    const [misspelled] = [{ [`${option}x`]: "preview" }].filter(isAny)
    if (misspelled === undefined) return expect.unreachable()
    expect(await refusal(() => call(misspelled))).toContain(`"${option}x" isn't an option. Did you mean "${option}"?`)
    for (const wrong of ["preview", 5, null, ["preview"]].filter(isAny)) {
      expect(await refusal(() => call(wrong))).toContain("isn't an object of options")
    }
  })

  it("takes no folder but a text", async () => {
    for (const folder of [{ folder: "." }, 5].filter(isAny)) {
      await refusal(() => promises.findConfig(folder))
      await refusal(() => failing(effects.findConfig(folder)))
    }
  })

  it("loads a config with valid options only", async () => {
    const wrong = [
      { runtime: "kubernets" },
      { organization: "No Name" },
      { git: "off" },
      { git: { commit: 5, dirty: false } }
    ]
    for (const options of wrong.filter(isAny)) {
      const [name = ""] = Object.keys(options)
      expect(await refusal(() => promises.loadConfig(options))).toContain(name)
      expect(await refusal(() => renderConfig(options))).toContain(name)
      expect(await refusal(() => renderConfig({ config, ...Object(options) }))).toContain(name)
    }
    expect(await refusal(() => renderConfig({ config, stage: "No Stage" }))).toContain("No Stage")
    expect(await refusal(() => renderConfig({ config, file: "maxcloud.config.ts" }))).toContain("Leave one out")
    expect(await refusal(() => renderConfig([{ config: { app: "shop" } }].find(isAny)))).toContain("defineConfig")
    const { file, stage } = await promises.loadConfig({ folder: root, stage: "dev" })
    expect([file, stage]).toStrictEqual([`${root}/maxcloud.config.ts`, "dev"])
  })

  it("pins an audit log only with valid pins", async () => {
    for (const pins of [{ publicKeys: "a key" }, { checkpoint: { sequence: 5 } }].filter(isAny)) {
      const [name = ""] = Object.keys(pins)
      expect(await refusal(() => promises.verifyAuditExport(nothing(), pins))).toContain(name)
    }
  })
})

describe("the stage of a loaded config", () => {
  it("is the only one that it can be planned and deployed for", async () => {
    const asked: Array<string> = []
    const fetch: typeof globalThis.fetch = async (url) => {
      asked.push(new URL(String(url)).pathname)
      return Response.json({}, { status: 418 })
    }
    const client = promises.createClient({ apiUrl: "http://127.0.0.1:1", token: "t", fetch })
    const loaded = await promises.loadConfig({ folder: root })
    for (const call of [client.plan, client.deploy, client.preparePlan]) {
      expect(await refusal(() => call(loaded, { stage: "preview" }))).toContain(
        'The config was loaded for the stage "production", so it can\'t be used for "preview". Load it for that stage, with loadConfig({ stage: "preview" })'
      )
    }
    expect(asked).toStrictEqual([])
    await client.plan(loaded, { stage: "production" }).catch(() => {})
    expect(asked).toStrictEqual(["/api/v1/apps/shop/stages/production/plan"])
  })
})
