import type { Audit } from "../audit/Audit.ts"

/** Appends a refused link or code to the audit log. Pages use them too, and their requests aren't operations. */
export const tellRefused = (
  audit: typeof Audit.Service,
  action: "signIn.register" | "signIn.verify" | "signIn.signIn",
  status: 403 | 404
) => audit.append({ action, outcome: "refused", status, subject: "without a valid link or code" })
