export * from 'kysely/migration';
