import { createClient } from "@maxcloud/sdk"
import { proxiedFetch } from "@maxcloud/sdk/proxy"

const client = createClient({ fetch: proxiedFetch() })
console.log((await client.info()).runtime)
