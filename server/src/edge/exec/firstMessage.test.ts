import { expect, it } from "@effect/vitest"
import { ExecStart, PortStart } from "@maxcloud/sdk/api"
import { Effect, type Schema } from "effect"
import { firstMessageOf } from "./firstMessage.ts"

const refusalOf = <A, I>(schema: Schema.Schema<A, I>, text: string | undefined) =>
  Effect.flip(firstMessageOf(schema)(text))

const secret = "postgres://u:hunter2@h"

it.effect("names each wrong field of a first message, and never a value", () =>
  Effect.gen(function* () {
    const cases: ReadonlyArray<readonly [typeof ExecStart | typeof PortStart, unknown, string]> = [
      [PortStart, { type: "start", port: secret }, "port: A port is a number from 1 to 65535."],
      [PortStart, { port: 9000 }, "type: This field is missing."],
      [PortStart, { type: secret, port: 9000 }, 'type: Expected "start".'],
      [PortStart, { type: "start", port: 9000, instance: [secret] }, "instance: "],
      [PortStart, { type: "start", port: 9000, instanze: "web-1" }, 'Did you mean "instance"?'],
      [PortStart, secret, "Expected an object."],
      [ExecStart, { type: "start", command: secret }, "command: Expected a list."],
      [ExecStart, { type: "start", command: [] }, "command: The command is a list of 1 to 256 words."],
      [
        ExecStart,
        { type: "start", command: Array(257).fill(secret) },
        "command: The command is a list of 1 to 256 words."
      ],
      [ExecStart, { type: "start", command: [`${secret}\0`] }, "command.0: A word of the command can't contain NUL."],
      [ExecStart, { type: "start", command: ["sh"], terminal: { columns: 1, rows: secret } }, "terminal.rows: "],
      [ExecStart, { type: "start", command: ["sh"], terminal: { columns: 1, rows: 1, shell: 1 } }, "terminal.shell: "]
    ]
    for (const [schema, message, wanted] of cases) {
      const text = JSON.stringify(message)
      const { detail, errors } =
        schema === PortStart ? yield* refusalOf(PortStart, text) : yield* refusalOf(ExecStart, text)
      expect(detail).toContain("The first message is invalid: ")
      expect(detail).toContain(wanted)
      expect(errors.length).toBeGreaterThan(0)
      expect(JSON.stringify([detail, errors])).not.toContain("hunter2")
    }
    expect((yield* refusalOf(PortStart, `{"${secret}`)).detail).toBe("The first message isn't valid JSON.")
    expect((yield* refusalOf(PortStart, undefined)).detail).toContain("must be JSON as text")
  })
)

it.effect("stays short, however many and long the unknown keys are", () =>
  Effect.gen(function* () {
    const keys = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${index}${"x".repeat(1_000)}`, 1]))
    const refusal = yield* refusalOf(PortStart, JSON.stringify({ type: "start", port: 80, ...keys }))
    expect(JSON.stringify([refusal.detail, refusal.errors]).length).toBeLessThan(20_000)
  })
)
