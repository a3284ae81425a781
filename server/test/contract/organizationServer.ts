import { OrganizationName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { runServer } from "../../src/assembly/runServer.ts"

/** A server with settings from the environment that acts for the organization in `MAXCLOUD_TEST_ORGANIZATION`. */
process.exitCode = await runServer({
  organization: Schema.decodeUnknownSync(OrganizationName)(process.env.MAXCLOUD_TEST_ORGANIZATION)
})
