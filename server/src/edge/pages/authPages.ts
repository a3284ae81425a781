import { Layer } from "effect"
import { devicePages } from "./devicePages.ts"
import { linkPages } from "./linkPages.ts"
import { signInPages } from "./signInPages.ts"

/** The pages under `/auth`, where people sign in, let programs sign in, and open the links of mails. Plain forms, without scripts. */
export const authPages = Layer.mergeAll(signInPages, devicePages, linkPages)
