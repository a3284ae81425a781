import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Runtime, Schema } from "effect"
import fc from "fast-check"
import { layerTest } from "../../../test/database/layerTest.ts"
import { storableJson } from "./storable.ts"
import { storeEach } from "./storeEach.ts"

const run = <A, E>(effect: Effect.Effect<A, E, SqlClient>) => effect.pipe(Effect.provide(layerTest), Effect.runPromise)

/** What Postgres must make of a string: no NUL, no unpaired surrogate. */
const held = (text: string) => text.toWellFormed().replaceAll("\0", "\ufffd")

const unit = fc.oneof(fc.constantFrom("\0", "\\", "\\u0000", "\ud800", "\udc00", "\u0001", '"', "ü"), fc.string())
const text = fc.array(unit, { maxLength: 12 }).map((generated) => generated.join(""))
const decodeTexts = Schema.decodeUnknownSync(Schema.Array(Schema.String))

describe("text on its way to Postgres", () => {
  it("is stored unchanged, except for characters that the database can't store", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const runPromise = Runtime.runPromise(yield* Effect.runtime())
        yield* Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(fc.array(text, { maxLength: 8 }), async (texts) => {
              const rows = await runPromise(
                sql<{ json: unknown; plain: string }>`
                  select ${storableJson({ deep: [texts] })}::jsonb #> '{deep,0}' as json,
                    ${texts.join("")}::text as plain`
              )
              expect(decodeTexts(rows[0]?.json)).toStrictEqual(texts.map(held))
              expect(rows[0]?.plain).toBe(held(texts.join("")))
            }),
            { numRuns: 300 }
          )
        )
        // Keys as well. Text that only looks like an escape stays unchanged.
        const keyed = yield* sql<{ value: unknown }>`select ${storableJson({ "a\0": "\\u0000" })}::jsonb as value`
        expect(keyed[0]?.value).toStrictEqual({ "a\ufffd": "\\u0000" })
      })
    ))

  it("doesn't block other objects if the database refuses one, also inside a transaction", () =>
    run(
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const ids = Array.from({ length: 37 }, (_, n) => `org${n}`)
        yield* sql`insert into organizations (id, name) values ('org20', 'taken')`
        const write = (batch: ReadonlyArray<string>) => sql`
          insert into organizations (id, name)
          select id, id from jsonb_array_elements_text(${storableJson(batch)}::jsonb) as given (id)`
        yield* sql.withTransaction(storeEach(ids, write, (one) => one))
        const rows = yield* sql<{ id: string; name: string }>`select id, name from organizations where id like 'org%'`
        expect(new Map(rows.map((row) => [row.id, row.name]))).toStrictEqual(
          new Map(ids.map((value) => [value, value === "org20" ? "taken" : value]))
        )
      })
    ))

  it("is converted in each parameter that Postgres reads as JSON", () => {
    const server = join(import.meta.dirname, "../..")
    const sources = readdirSync(server, { recursive: true, encoding: "utf8" }).filter(
      (text) => text.endsWith(".ts") && !text.endsWith(".test.ts")
    )
    const past = sources.filter((source) =>
      /JSON\.stringify\((?:(?!\$\{)[\s\S]){0,1500}?\)\s*\}::jsonb?\b/.test(readFileSync(join(server, source), "utf8"))
    )
    expect(past).toStrictEqual([])
  })
})
