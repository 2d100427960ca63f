"""What mail providers and mail servers tell of our mails: is it genuine, and what does it say."""
