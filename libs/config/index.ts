export { ConfigModule } from './config.module';
export { markdownTable } from './markdown-table';
export { Settings } from './settings';
export { readSettings, SettingsError } from './settings.reader';
export { settingsReference } from './settings.reference';
