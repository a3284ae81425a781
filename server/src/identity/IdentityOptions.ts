/** How people come to this server. */
export interface IdentityOptions {
  /** May anybody register, or only who has the first start's link or an invite? */
  readonly registration: "open" | "invite"
  /** Where people reach the server, without a slash at its end: links in mails begin with it. */
  readonly publicUrl: string
  /** How long a session holds. @default 30 */
  readonly sessionDays?: number
  /** How long an answer to `beginSignIn` takes at least, so that it does not tell whether there is an account. @default 300 */
  readonly signInFloorMs?: number
}

export const defaultSessionDays = 30
