export * from '@tollgate/testing/system';
