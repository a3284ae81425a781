import pg from "pg"
import { makeEmbeddedPostgres } from "../../src/base/postgres/EmbeddedPostgres.ts"
import { ownerRole } from "../../src/base/postgres/initialise.ts"

/** A table like `audit_entries` for benchmarks: the server's role may only append to the log itself. */
export const makePlainTable = async (dataDir: string): Promise<void> => {
  const { password, socketFolder } = await makeEmbeddedPostgres(dataDir)
  const client = new pg.Client({ host: socketFolder, user: ownerRole, database: "maxcloud", password })
  await client.connect()
  try {
    await client.query("create table plain_entries (like audit_entries including constraints including indexes)")
    await client.query("grant insert on plain_entries to public")
  } finally {
    await client.end()
  }
}
