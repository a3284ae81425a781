import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { Conflict, OrganizationId, type Unavailable } from "@maxcloud/sdk/api"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { newId } from "../../base/database/newId.ts"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { refuseReservedName } from "./refuseReservedName.ts"

/** The organizations of this server. */
export class Organizations extends Context.Tag("@maxcloud/server/Organizations")<
  Organizations,
  {
    /** The organization `local`, created at the first start. */
    readonly ensureLocal: Effect.Effect<Organization, Unavailable>
    readonly create: (name: OrganizationName) => Effect.Effect<Organization, Conflict | Unavailable>
    readonly find: (name: OrganizationName) => Effect.Effect<Option.Option<Organization>, Unavailable>
  }
>() {}

const decode = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: OrganizationId, name: OrganizationName })))

export const layer = Layer.effect(
  Organizations,
  Effect.gen(function* () {
    const sql = yield* SqlClient

    const find = Effect.fn("Organizations.find")((name: OrganizationName) =>
      sql`select id, name from organizations where name = ${name}`.pipe(
        Effect.map((rows) => Option.fromNullable(decode(rows)[0])),
        orUnavailable
      )
    )

    /** The new organization, or none if the name is taken. */
    const insert = (name: OrganizationName) =>
      sql`
        insert into organizations (id, name) values (${newId("org")}, ${name})
        on conflict (name) do nothing returning id, name
      `.pipe(
        Effect.map((rows) => Option.fromNullable(decode(rows)[0])),
        orUnavailable
      )

    const create = Effect.fn("Organizations.create")(function* (name: OrganizationName) {
      yield* refuseReservedName(name)
      const made = yield* insert(name)
      return yield* Option.match(made, {
        onSome: Effect.succeed,
        onNone: () =>
          Effect.fail(new Conflict({ detail: `The organization "${name}" already exists. Choose another name.` }))
      })
    })

    const local = OrganizationName.make("local")
    const ensureLocal = Effect.gen(function* () {
      const existing = yield* find(local)
      if (Option.isSome(existing)) return existing.value
      const made = yield* insert(local)
      if (Option.isSome(made)) return made.value
      return yield* find(local).pipe(Effect.flatMap(Effect.orDie))
    }).pipe(Effect.withSpan("Organizations.ensureLocal"))

    return { create, ensureLocal, find }
  })
)
