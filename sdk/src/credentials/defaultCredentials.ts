import { Redacted } from "effect"
import { checkOptions } from "../input/checkOptions.ts"
import type { OptionKinds } from "../input/options.ts"
import { never, run } from "../promises.ts"
import { localToken } from "../transport/localServer.ts"
import { defaultApiUrl } from "../transport/serverUrl.ts"
import type { Environment } from "./credentialsFile.ts"
import { findCredential } from "./findCredential.ts"

export interface CredentialOptions {
  /** @default `MAXCLOUD_API_URL`, else http://127.0.0.1:8080 */
  readonly apiUrl?: string | undefined
  /** @default the process's own */
  readonly env?: Environment | undefined
  /** Receives the warning that other users could read the credentials file. @default `process.emitWarning` */
  readonly warn?: ((line: string) => void) | undefined
}

const credentialOptions: OptionKinds<CredentialOptions> = { apiUrl: "text", env: "any", warn: "function" }

/**
 * The credential that the command line would send, for the `token` of a client: `MAXCLOUD_API_KEY`, else `MAXCLOUD_ID_TOKEN`, else an ID token
 * of the GitHub Actions job if it has `MAXCLOUD_ORGANIZATION`, else the credential that `maxcloud auth login` stored for the server, else the
 * token of a server in local mode that this user has started. It is looked up for each request, so a new login takes effect. Rejects with
 * `CredentialUnavailable`. Throws `InvalidRequest` for an unknown option.
 */
export const defaultCredentials = (options: CredentialOptions = {}): (() => Promise<string>) => {
  checkOptions<CredentialOptions>("defaultCredentials", options, credentialOptions)
  const {
    apiUrl = defaultApiUrl(),
    env = process.env,
    warn = (line: string) => process.emitWarning(line.replace(/^warning: /, ""))
  } = options
  let renewed: (() => Promise<string>) | undefined
  return async () => {
    if (renewed !== undefined) return renewed()
    const found = await run(findCredential(apiUrl, env, warn), never)
    if (found === undefined) return (await localToken(apiUrl)) ?? ""
    renewed = found.renewed
    return Redacted.value(found.token)
  }
}
