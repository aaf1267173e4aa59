import {
  DEFAULT_ALLOW_UNORDERED_MIGRATIONS,
  DEFAULT_MIGRATION_LOCK_TABLE,
  DEFAULT_MIGRATION_TABLE,
  MIGRATION_LOCK_ID,
  Migrator,
  NO_MIGRATIONS,
  isFunction,
  isObject
} from "./chunk-CDEW6GXB.js";

// ../../node_modules/.pnpm/kysely@0.29.9/node_modules/kysely/dist/migration/file-migration-provider.js
var FileMigrationProvider = class {
  #props;
  constructor(props) {
    this.#props = props;
  }
  async getMigrations() {
    const migrations = {};
    const files = await this.#props.fs.readdir(this.#props.migrationFolder);
    for (const fileName of files) {
      if (!this.hasExpectedExtension(fileName)) {
        this.#props.onFileIgnored?.(fileName, "Extension");
        continue;
      }
      const filePath = this.#props.path.join(this.#props.migrationFolder, fileName);
      const migration = this.#props.import ? await this.#props.import(filePath) : await import(
        /* webpackIgnore: true */
        filePath
      );
      const migrationKey = fileName.substring(0, fileName.lastIndexOf("."));
      if (isMigration(migration?.default)) {
        migrations[migrationKey] = migration.default;
      } else if (isMigration(migration)) {
        migrations[migrationKey] = migration;
      } else {
        this.#props.onFileIgnored?.(fileName, "NotMigration");
      }
    }
    return migrations;
  }
  hasExpectedExtension(fileName) {
    return fileName.endsWith(".js") || fileName.endsWith(".ts") && !fileName.endsWith(".d.ts") || fileName.endsWith(".mjs") || fileName.endsWith(".mts") && !fileName.endsWith(".d.mts") || fileName.endsWith(".cjs") || fileName.endsWith(".cts") && !fileName.endsWith(".d.cts");
  }
};
function isMigration(obj) {
  return isObject(obj) && isFunction(obj.up);
}
export {
  DEFAULT_ALLOW_UNORDERED_MIGRATIONS,
  DEFAULT_MIGRATION_LOCK_TABLE,
  DEFAULT_MIGRATION_TABLE,
  FileMigrationProvider,
  MIGRATION_LOCK_ID,
  Migrator,
  NO_MIGRATIONS
};
