/** How people come to this server. */
export interface IdentityOptions {
  /** Can anybody register, or only people with the first start's link or an invite? */
  readonly registration: "open" | "invite"
  /** The server's URL for people, without a trailing slash. Links in mails begin with it. */
  readonly publicUrl: string
  /**
   * Does mail reach people? Then registering creates nothing, and reveals nothing, until the mailed link is opened.
   * Otherwise (mail goes to the server's log) it returns a session at once. @default false
   */
  readonly registersByMail?: boolean
  /** How many days a session is valid. @default 30 */
  readonly sessionDays?: number
  /**
   * The minimum duration of `beginSignIn` and a registration by mail, in milliseconds, so that the time doesn't reveal
   * whether an account exists. @default 300
   */
  readonly signInFloorMs?: number
}

export const defaultSessionDays = 30
