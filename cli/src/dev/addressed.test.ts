import { expect, it } from "@effect/vitest"
import { Effect, FastCheck } from "effect"
import { commands } from "../commands/index.ts"
import { addressed, usualApiUrl } from "./addressed.ts"
import { portOf } from "./localServer.ts"

const names = new Set(commands.filter((command) => !command.offline).map((command) => command.name))
const elsewhere = {
  organization: undefined,
  apiUrl: "http://127.0.0.1:9000",
  stage: "dev",
  commands: names
}
const flags = "--stage dev --api-url http://127.0.0.1:9000"

it("adds server and stage only to the commands in a text", () => {
  expect(addressed("run `maxcloud secrets set KEY --stage dev`, then `maxcloud logs web`.", elsewhere)).toBe(
    `run \`maxcloud secrets set KEY --stage dev --api-url http://127.0.0.1:9000\`, then \`maxcloud logs web ${flags}\`.`
  )
  expect(addressed("`npx maxcloud secrets set KEY < key.txt`", elsewhere)).toBe(
    `\`npx maxcloud secrets set KEY ${flags} < key.txt\``
  )
  for (const text of [
    "`maxcloud explain ImageNotFound` says more",
    "`maxcloud server` and `maxcloud dev`, `maxcloud unheard of`",
    "maxcloud logs web, without backticks",
    "`pnpm maxcloud logs web`"
  ])
    expect(addressed(text, elsewhere)).toBe(text)
  expect(
    addressed("`maxcloud logs web`", {
      apiUrl: usualApiUrl,
      organization: undefined,
      stage: undefined,
      commands: names
    })
  ).toBe("`maxcloud logs web`")
})

it("changes nothing the second time, and leaves text without commands alone", () => {
  const piece = FastCheck.oneof(
    FastCheck.string(),
    FastCheck.constantFrom("`maxcloud logs web`", "`maxcloud list --api-url x`", "`maxcloud explain A`", "`", "\n")
  )
  FastCheck.assert(
    FastCheck.property(FastCheck.array(piece), (pieces) => {
      const once = addressed(pieces.join(" "), elsewhere)
      expect(addressed(once, elsewhere)).toBe(once)
      expect(once.replaceAll(` ${flags}`, "").replaceAll(" --stage dev", "")).toBe(pieces.join(" "))
    }),
    { numRuns: 500 }
  )
})

it.effect("takes the port from the flag, else from MAXCLOUD_PORT, and refuses an invalid one", () =>
  Effect.gen(function* () {
    expect(yield* portOf(undefined, {})).toBe(8080)
    expect(yield* portOf(undefined, { MAXCLOUD_PORT: "" })).toBe(8080)
    expect(yield* portOf(undefined, { MAXCLOUD_PORT: "9000" })).toBe(9000)
    expect(yield* portOf(0, { MAXCLOUD_PORT: "9000" })).toBe(0)
    for (const wrong of ["x", "70000", "-1", "80.5"])
      expect((yield* Effect.flip(portOf(undefined, { MAXCLOUD_PORT: wrong }))).message).toContain(wrong)
    expect((yield* Effect.flip(portOf(70_000, {}))).fix).toContain("65535")
  })
)
