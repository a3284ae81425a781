import pg from "pg"
import { makeEmbeddedPostgres } from "../../src/base/postgres/EmbeddedPostgres.ts"
import { ownerRole } from "../../src/base/postgres/initialise.ts"
import { serverRole } from "../../src/base/postgres/startEmbedded.ts"

/** Runs one query on the running database of a data folder, with access to all organizations' rows. */
export const askDatabase = async (
  dataDirectory: string,
  statement: string
): Promise<ReadonlyArray<Record<string, unknown>>> => {
  const { password, socketFolder } = await makeEmbeddedPostgres(dataDirectory)
  const client = new pg.Client({ host: socketFolder, user: ownerRole, database: serverRole, password })
  await client.connect()
  try {
    await client.query("set maxcloud.all_rows = on")
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}
