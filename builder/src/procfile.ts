import { readExactText } from "./files.ts"

/** The `web` line of a Procfile. */
export const procfileOf = async (folder: string): Promise<string | undefined> =>
  /^web:[ \t]*(\S[^\n]*)$/m.exec((await readExactText(folder, "Procfile")) ?? "")?.[1]?.trimEnd()
