"""How RetroMAE and DupMAE encoders come into being: text -> pre-training -> fine-tuning -> one folder to retrieve with."""
