import type { BlockList } from "node:net"
import { Context } from "effect"
import type { Organization } from "../../base/words/Organization.ts"
import type { StreamLimits } from "../../tenancy/limits/OpenStreams.ts"
import type { LocalOwner } from "../local/LocalOwner.ts"
import type { Pace } from "./pace.ts"

/** The rules for access without an account, and for slow callers. */
export class AccessMode extends Context.Tag("@maxcloud/server/AccessMode")<
  AccessMode,
  {
    /**
     * Local mode: the organization that the server's own user acts for without a credential. undefined: every request needs a
     * credential.
     */
    readonly local: { readonly organization: Organization; readonly owner: LocalOwner } | undefined
    /**
     * Must addresses be confirmed before their accounts may do anything? If mail goes to the server's log, confirming would prove
     * nothing.
     */
    readonly verifiedOnly: boolean
    /** The API's public URL, without a trailing slash. */
    readonly publicUrl: string
    readonly trustedProxies: BlockList
    readonly openMetrics: boolean
    /** Requests a minute for each credential. */
    readonly requestsPerMinute: number
    /** Limit of long-lived answers open at once. */
    readonly streams: StreamLimits
    /** The slowest pace at which a caller may send and read. */
    readonly pace: Pace
  }
>() {}
