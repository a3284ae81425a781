import type { BlockList } from "node:net"
import { Context } from "effect"
import type { Organization } from "../organizations/Organizations.ts"

/** Who may call at all. */
export class AccessMode extends Context.Tag("@maxcloud/server/AccessMode")<
  AccessMode,
  {
    /** What a request without a credential acts for; undefined: every request needs one. */
    readonly withoutCredential: Organization | undefined
    /** Must addresses be confirmed before their accounts may do anything? Where mail goes to the server's log, nothing would be proven. */
    readonly verifiedOnly: boolean
    /** Where people reach the API, without a slash at its end. */
    readonly publicUrl: string
    readonly trustedProxies: BlockList
    readonly openMetrics: boolean
    /** Requests a minute for each credential. */
    readonly requestsPerMinute: number
  }
>() {}
