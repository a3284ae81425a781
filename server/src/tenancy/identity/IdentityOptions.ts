/** How people come to this server. */
export interface IdentityOptions {
  /** May anybody register, or only who has the first start's link or an invite? */
  readonly registration: "open" | "invite"
  /** The server's URL for people, without a slash at its end. Links in mails begin with it. */
  readonly publicUrl: string
  /**
   * Does mail reach people? Then registering makes nothing, and tells nothing, until the mailed link is opened. Else (mail goes to the server's
   * log) it gives a session at once. @default false
   */
  readonly registersByMail?: boolean
  /** How many days a session is valid. @default 30 */
  readonly sessionDays?: number
  /**
   * The least time that `beginSignIn` and a registration by mail take, so that the time doesn't tell whether there is an account.
   * @default 300
   */
  readonly signInFloorMs?: number
}

export const defaultSessionDays = 30
