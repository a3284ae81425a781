import { ago, backupFolderOf, backupsIn } from "./backupFiles.ts"

/** How to restore a damaged embedded database from the newest backup. None of the steps removes anything. */
export const wayBack = (dataDir: string, backupFolder?: string): string => {
  const folder = backupFolderOf(dataDir, backupFolder)
  const newest = backupsIn(folder)[0]
  const command = (file: string) => `maxcloud server restore ${file} --data-dir ${dataDir} --set-aside`
  if (newest === undefined)
    return `${folder} contains no backup. If you have one elsewhere, stop the server and run: ${command("FILE")}. It keeps the present files beside the restored ones. Without one, copy the whole folder before you try anything else.`
  return `The last backup is from ${newest.createdAt.toISOString()} (${ago(newest.createdAt, new Date())}): ${newest.path}. Stop the server, then run: ${command(newest.path)}. It keeps the damaged files beside the restored ones. Check for more damage: maxcloud server check --data-dir ${dataDir}.`
}
