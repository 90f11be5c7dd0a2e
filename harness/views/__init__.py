"""What people look at: tables, the page, figures, one query closely."""
