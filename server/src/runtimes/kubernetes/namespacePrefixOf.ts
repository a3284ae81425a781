import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { defaultNamespacePrefix, prefixText } from "../../base/words/namespacePrefix.ts"
import { ServerError } from "../../base/words/ServerError.ts"

const decode = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ namespace_prefix: Schema.String })))

const contradicts = (stored: string, asked: string) =>
  new ServerError({
    reason: "setting",
    message:
      `MAXCLOUD_NAMESPACE_PREFIX is "${prefixText(asked)}", but this installation's namespaces have the prefix "${prefixText(stored)}": ` +
      "With another one, the server would lose track of everything that runs. " +
      `Set it to "${prefixText(stored)}", or leave it unset. To move to another prefix, see "Namespaces" in docs/kubernetes.md`
  })

/**
 * The prefix of this installation's namespaces on a cluster. The first start on a cluster decides it, by the setting or the
 * default, and stores it in the database. A different setting later is refused.
 */
export const namespacePrefixOf = (asked: string | undefined): Effect.Effect<string, ServerError, SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    // If two replicas start at once, the second accepts the first one's decision.
    yield* sql`
      insert into installation (namespace_prefix) values (${asked ?? defaultNamespacePrefix})
      on conflict (singleton) do nothing`
    const [row] = decode(yield* sql`select namespace_prefix from installation`)
    const stored = row?.namespace_prefix ?? ""
    return asked !== undefined && asked !== stored ? yield* contradicts(stored, asked) : stored
  }).pipe(
    asServer,
    Effect.catchTag(
      "SqlError",
      (cause) =>
        new ServerError({
          reason: "database",
          message: `Couldn't read the installation's namespace prefix from the database: ${cause.message}. Check that the database is reachable, and start again`,
          cause
        })
    )
  )
